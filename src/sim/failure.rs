//! What the server answers when it refuses: a `Status`, worded as a real API server words it.

use http::StatusCode;
use serde_json::{Value, json};

use super::resource::Resource;

/// A refusal, ready to be written as a `Status` object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    /// The HTTP code.
    pub(super) code: StatusCode,
    /// The machine-readable reason, such as `Conflict`.
    pub(super) reason: String,
    /// The sentence for humans.
    pub(super) message: String,
    /// `details` of the Status; null when there are none.
    pub(super) details: Value,
}

impl Failure {
    /// A refusal without details.
    pub(super) fn new(code: StatusCode, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            message: message.into(),
            details: Value::Null,
        }
    }

    fn about(code: StatusCode, reason: &str, message: String, resource: &Resource, name: &str) -> Self {
        let mut details = json!({"name": name, "kind": resource.plural});
        if !resource.group.is_empty() {
            details["group"] = json!(resource.group);
        }
        Self {
            code,
            reason: reason.to_owned(),
            message,
            details,
        }
    }

    /// 404: no object of that name.
    pub(super) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::about(StatusCode::NOT_FOUND, "NotFound", message, resource, name)
    }

    /// 404: no such path.
    pub(super) fn no_such_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NotFound",
            "the server could not find the requested resource",
        )
    }

    /// 409: the name is taken.
    pub(super) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::about(StatusCode::CONFLICT, "AlreadyExists", message, resource, name)
    }

    /// 409: the object is another version of itself than the writer saw.
    pub(super) fn stale(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// 409 for another cause.
    pub(super) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            resource.qualified()
        );
        Self::about(StatusCode::CONFLICT, "Conflict", message, resource, name)
    }

    /// 400.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 405.
    pub(super) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// 415.
    pub(super) fn unsupported(content_type: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - {content_type} is not accepted; JSON and YAML are, such as 'kubectl apply -f' sends"
        );
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            message,
        )
    }

    /// 410: the log no longer reaches back that far.
    pub(super) fn expired(asked: u64, oldest: u64) -> Self {
        let message = format!("too old resource version: {asked} ({oldest})");
        Self::new(StatusCode::GONE, "Expired", message)
    }

    /// 422 with one cause per offending field.
    pub(super) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        let texts: Vec<String> = causes
            .iter()
            .map(|c| format!("{}: {}", c.field, c.message))
            .collect();
        let list = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let kind = if resource.group.is_empty() {
            resource.kind.clone()
        } else {
            format!("{}.{}", resource.kind, resource.group)
        };
        let causes: Vec<Value> = causes
            .iter()
            .map(|c| json!({"reason": c.reason, "message": c.message, "field": c.field}))
            .collect();
        let mut details = json!({"name": name, "kind": resource.kind, "causes": causes});
        if !resource.group.is_empty() {
            details["group"] = json!(resource.group);
        }
        Self {
            code: StatusCode::UNPROCESSABLE_ENTITY,
            reason: "Invalid".to_owned(),
            message: format!("{kind} \"{name}\" is invalid: {list}"),
            details,
        }
    }

    /// The `Status` object.
    pub(super) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code.as_u16(),
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}

/// One offending field of an invalid object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cause {
    /// Path of the field, such as `spec.replicas`.
    pub(super) field: String,
    /// `FieldValueRequired`, `FieldValueInvalid` and the like.
    pub(super) reason: &'static str,
    /// What is wrong with it.
    pub(super) message: String,
}

impl Cause {
    /// A field that must be there is not.
    pub(super) fn required(field: impl Into<String>, hint: &str) -> Self {
        let message = if hint.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {hint}")
        };
        Self {
            field: field.into(),
            reason: "FieldValueRequired",
            message,
        }
    }

    /// A field has a value that is not allowed.
    pub(super) fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {value}: {why}"),
        }
    }
}
