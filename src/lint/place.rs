//! Where in a YAML document a field stands.

/// A step on the way to a field.
enum Part<'a> {
    Key(&'a str),
    Item(usize),
}

/// The line of a field of a document in block style, counted from 0: its own, or that of what stands nearest above it, where
/// it is not written or stands within braces.
#[must_use]
pub fn line_of(document: &str, field: &str) -> usize {
    let lines: Vec<&str> = document.lines().collect();
    let says = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("---") && !line.starts_with('%')
    };
    let first = lines.iter().position(|line| says(line)).unwrap_or_default();
    let (mut at, mut end) = (first, lines.len());
    // How far the block's own lines are moved in; a dash counts as a space.
    let mut margin = 0;
    let mut found = first;
    for part in parts(field) {
        let inside = |line: usize| lines.get(line).is_some_and(|text| says(text));
        let indent = |line: usize| {
            lines
                .get(line)
                .map_or(0, |text| text.len() - text.trim_start().len())
        };
        let next = match part {
            Part::Key(key) => (at..end).filter(|line| inside(*line)).find(|line| {
                let text = lines.get(*line).copied().unwrap_or_default();
                let text = text.trim_start_matches(' ');
                let deep = indent(*line);
                let (deep, text) = match text.strip_prefix("- ") {
                    // Only the first line of an item has its dash before the key.
                    Some(rest) if deep < margin => (margin, rest.trim_start()),
                    _ => (deep, text),
                };
                deep == margin && is_key(text, key)
            }),
            Part::Item(index) => {
                let dashes = (at..end).filter(|line| {
                    inside(*line)
                        && indent(*line) == margin
                        && lines
                            .get(*line)
                            .is_some_and(|text| text.trim_start().starts_with('-'))
                });
                dashes.into_iter().nth(index)
            }
        };
        let Some(line) = next else { return found };
        found = line;
        let text = lines.get(line).copied().unwrap_or_default();
        let is_item = matches!(part, Part::Item(_));
        let own = if is_item {
            let rest = text.trim_start().trim_start_matches('-');
            margin + 1 + (rest.len() - rest.trim_start().len())
        } else {
            margin
        };
        // The block goes on as long as lines are moved in further, or are the items of a list that is not.
        let last = (line + 1..end).filter(|line| inside(*line)).find(|after| {
            let deep = indent(*after);
            let is_dash = lines
                .get(*after)
                .is_some_and(|text| text.trim_start().starts_with("- "));
            deep < margin || deep == margin && (is_item || !is_dash)
        });
        end = last.unwrap_or(end);
        if is_item {
            (at, margin) = (line, own);
        } else {
            at = line + 1;
            match (at..end).find(|line| inside(*line)) {
                Some(child) => margin = indent(child),
                None => margin = usize::MAX,
            }
        }
    }
    found
}

/// Whether a line begins with a key.
fn is_key(text: &str, key: &str) -> bool {
    let bare = text.strip_prefix(['"', '\'']).unwrap_or(text);
    bare.strip_prefix(key).is_some_and(|rest| {
        let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
        rest.trim_start().starts_with(':')
    })
}

/// `spec.steps[0].annotations[a.b/c]` in its parts.
fn parts(field: &str) -> Vec<Part<'_>> {
    let mut all = Vec::new();
    let mut rest = field;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (key, after) = inside.split_once(']').unwrap_or((inside, ""));
            all.push(key.parse().map_or(Part::Key(key), Part::Item));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            if !key.is_empty() {
                all.push(Part::Key(key));
            }
            rest = after;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn fields_are_found_as_far_as_they_are_written() {
        let text = "\
# a Rollout
apiVersion: v1
metadata:
  name: web
  annotations:
    a.b/c: '[]'
spec:
  strategy:
    canary:
      steps:
      - replicas: 1
        pause: {}
      - traffic: 20%
        # of all
        replicas: 2
      -   pause:
            duration: 3
      - {replicas: 3, pause: {duration: 4}}
      trafficRoutings:
        - service: web
          ingress:
            name: web
  disabled: false
";
        let cases = [
            ("", 1),
            ("spec", 6),
            ("spec.strategy.canary.steps[0].replicas", 10),
            ("spec.strategy.canary.steps[0].pause", 11),
            ("spec.strategy.canary.steps[1]", 12),
            ("spec.strategy.canary.steps[1].replicas", 14),
            ("spec.strategy.canary.steps[2].pause.duration", 16),
            ("spec.strategy.canary.steps[3].pause.duration", 17),
            ("spec.strategy.canary.steps[4].replicas", 9),
            ("spec.strategy.canary.trafficRoutings[0].service", 19),
            ("spec.strategy.canary.trafficRoutings[0].ingress.name", 21),
            ("spec.strategy.canary.trafficRoutings[0].gateway", 19),
            ("spec.disabled", 22),
            ("spec.workloadRef", 6),
            ("metadata.annotations[a.b/c][0].steps", 5),
            ("status.phase", 1),
        ];
        for (field, expected) in cases {
            assert_eq!(line_of(text, field), expected, "{field}");
        }
        assert_eq!(line_of("{\"spec\": {}}", "spec.a"), 0);
        assert_eq!(line_of("", "spec.a"), 0);
    }
}
