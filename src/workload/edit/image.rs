//! Other images.

use serde_json::{Value, json};

use super::{UnknownContainer, change_containers, write};

/// An image for a container; `*` stands for every container.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewImage {
    /// Name of the container.
    pub container: String,
    /// The image.
    pub image: String,
}

/// The workload with these images.
///
/// # Errors
/// When a container does not exist.
pub fn with_images(workload: &Value, images: &[NewImage]) -> Result<Value, UnknownContainer> {
    let mut after = workload.clone();
    for wanted in images {
        change_containers(&mut after, &wanted.container, |container| {
            container["image"] = json!(wanted.image);
        })?;
    }
    Ok(after)
}

/// Makes the JSON patch that sets images; nothing when all are set already. With `hold_for` (the name of a Rollout) the
/// same patch holds the workload and marks it.
///
/// # Errors
/// When a container does not exist.
pub fn set_images(
    workload: &Value,
    images: &[NewImage],
    hold_for: Option<&str>,
) -> Result<Option<Value>, UnknownContainer> {
    Ok(write(workload, &with_images(workload, images)?, hold_for))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::workload, NewImage, UnknownContainer, set_images, with_images};
    use crate::workload::Kind;

    fn image(container: &str, image: &str) -> NewImage {
        NewImage {
            container: container.to_owned(),
            image: image.to_owned(),
        }
    }

    #[test]
    fn sets_the_images_of_containers_of_both_sorts() {
        let before = workload(Kind::CloneSet, &json!({}));
        let mut expected = before.clone();
        expected["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v2");
        expected["spec"]["template"]["spec"]["initContainers"][0]["image"] = json!("first:v2");
        let images = [image("web", "web:v2"), image("first", "first:v2")];
        assert_eq!(with_images(&before, &images), Ok(expected));
        let all = with_images(&before, &[image("*", "x")]).unwrap();
        assert_eq!(all.to_string().matches(r#""image":"x""#).count(), 3);
    }

    #[test]
    fn knows_containers() {
        let before = workload(Kind::Deployment, &json!({}));
        assert_eq!(
            set_images(&before, &[image("web", "web:v1")], Some("demo")),
            Ok(None)
        );
        let unknown = UnknownContainer {
            name: "db".into(),
            known: vec!["web".into(), "side".into(), "first".into()],
        };
        assert_eq!(set_images(&before, &[image("db", "x")], None), Err(unknown));
    }
}
