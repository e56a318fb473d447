//! A plan as a picture: SVG with a column per step, and Mermaid's Gantt chart.

use super::{Plan, PlannedStep, span};

/// Widths and heights, in pixels.
const COLUMN: i32 = 150;
const LEFT: i32 = 46;
const TOP: i32 = 64;
const HEIGHT: i32 = 200;
const BAR: i32 = 64;

const NEW: &str = "#2f855a";
const OLD: &str = "#a0aec0";
const TEXT: &str = "#1a202c";
const FAINT: &str = "#4a5568";
const READY: &str = "#c05621";

impl Plan {
    /// The timeline as SVG: for each step the pods of both versions at its end, the range of ready pods in it, traffic, gate and
    /// times.
    #[must_use]
    pub fn svg(&self) -> String {
        let rows: Vec<&PlannedStep> = self.rows_of_time().collect();
        let columns = i32::try_from(rows.len()).unwrap_or(i32::MAX / COLUMN).max(1);
        let (width, height) = (LEFT + columns * COLUMN + 16, TOP + HEIGHT + 128);
        let most = self.most_pods.max(1);
        let up = |pods: i32| TOP + HEIGHT - pods * HEIGHT / most;
        let title = format!("Plan for {}/{}", self.namespace, self.rollout);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"ui-sans-serif, system-ui, sans-serif\" font-size=\"12\" role=\"img\">\n<title>{0}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
            escaped(&title)
        );
        svg += &label(LEFT, 22, "start", 16, TEXT, &title);
        svg += &label(
            LEFT,
            42,
            "start",
            12,
            FAINT,
            "bars: new (green) and old pods at the end of a step; bracket: ready pods in it, fewest to most",
        );
        for pods in [0, most / 2, most] {
            let y = up(pods);
            svg += &format!("<path d=\"M{LEFT} {y}H{}\" stroke=\"#e2e8f0\"/>\n", width - 16);
            svg += &label(LEFT - 8, y + 4, "end", 12, FAINT, &pods.to_string());
        }
        for (index, step) in (0..).zip(&rows) {
            let left = LEFT + index * COLUMN + 24;
            let (new, old) = (step.new_pods, step.old_pods);
            for (from, pods, colour) in [(0, old, OLD), (old, new, NEW)] {
                let (y, tall) = (up(from + pods), up(from) - up(from + pods));
                svg += &format!(
                    "<rect x=\"{left}\" y=\"{y}\" width=\"{BAR}\" height=\"{tall}\" fill=\"{colour}\"/>\n"
                );
            }
            let (x, low, high) = (left + BAR + 10, up(step.ready_lowest), up(step.ready_highest));
            svg += &format!(
                "<path d=\"M{0} {low}H{x}V{high}H{0}\" fill=\"none\" stroke=\"{READY}\" stroke-width=\"2\"/>\n",
                x - 5
            );
            let name = self.name_of(step);
            let name = if name == "finish" {
                name
            } else {
                format!("step {name}")
            };
            let lines = [
                (14, TEXT, name),
                (12, TEXT, format!("{new} new, {old} old")),
                (
                    12,
                    READY,
                    format!("ready {}..{}", step.ready_lowest, step.ready_highest),
                ),
                (
                    12,
                    FAINT,
                    if matches!(step.traffic.as_str(), "" | "-") {
                        "no traffic moves".to_owned()
                    } else {
                        format!("traffic {} / {}", step.traffic, step.old_traffic)
                    },
                ),
                (
                    12,
                    FAINT,
                    if step.gate.is_empty() || step.gate == "-" {
                        "goes on by itself".to_owned()
                    } else {
                        step.gate.clone()
                    },
                ),
                (
                    12,
                    FAINT,
                    match step.likely_seconds {
                        Some(likely) => format!("{}, likely {}", span(step.seconds), span(likely)),
                        None => format!("{} at the earliest", span(step.seconds)),
                    },
                ),
            ];
            for (line, (size, colour, text)) in (0..).zip(lines) {
                svg += &label(left, TOP + HEIGHT + 20 + line * 16, "start", size, colour, &text);
            }
        }
        svg += &label(LEFT, height - 8, "start", 12, TEXT, &self.summary());
        svg += "</svg>\n";
        svg
    }

    /// The timeline as Mermaid's Gantt chart, which forges show in pull requests. Pauses for approvals have no length.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let plain = |text: &str| text.replace([':', ';', '#', ','], " ");
        let mut text = format!(
            "gantt\n    title {}\n    dateFormat X\n    axisFormat %H:%M:%S\n",
            plain(&format!("Plan for {}/{}", self.namespace, self.rollout))
        );
        let mut begins = 0;
        for step in self.rows_of_time() {
            let name = self.name_of(step);
            let title = if name == "finish" {
                name.clone()
            } else {
                format!("step {name}")
            };
            let reached = whole(step.seconds);
            let pods = format!("{} new {} old", step.new_pods, step.old_pods);
            let traffic = match step.traffic.as_str() {
                "" | "-" => String::new(),
                traffic => format!(" traffic {}", plain(traffic)),
            };
            text += &format!(
                "    section {title}\n    {pods}{traffic} :active, {begins}, {}\n",
                reached.max(begins)
            );
            begins = begins.max(reached);
            let left = self.states.iter().filter(|state| {
                state.step > step.step || (state.step == step.step && state.seconds > step.seconds)
            });
            let left = left.map(|state| whole(state.seconds)).min();
            match step.gate.as_str() {
                "" | "-" => {}
                gate if gate.ends_with("approval") => {
                    text += &format!("    {} :milestone, crit, {begins}, {begins}\n", plain(gate));
                }
                gate => {
                    let until = left.unwrap_or(begins).max(begins);
                    text += &format!("    {} :done, {begins}, {until}\n", plain(gate));
                    begins = until;
                }
            }
        }
        text
    }
}

#[expect(clippy::cast_possible_truncation, reason = "plans end within days")]
fn whole(seconds: f64) -> i64 {
    seconds.ceil() as i64
}

fn label(x: i32, y: i32, anchor: &str, size: i32, colour: &str, text: &str) -> String {
    format!(
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{colour}\">{}</text>\n",
        escaped(text)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
