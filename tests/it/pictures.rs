//! The README's pictures: drawn from what the program prints, in virtual time. A picture that is out of date fails;
//! `UPDATE_GENERATED=1 cargo test --test it pictures` draws them anew.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kubectl_kruise::{
    clock::Clock,
    cluster::{Cluster, Found, RolloutVersion, Versions},
    commands::{reading, watch::useful},
    demo::{BROKEN_IMAGE, Demo, NAME, NAMESPACE, NEW_IMAGE, Scenario},
    engine::core::Stop,
    view::{
        Explanation, Foot, Line, Status, Tone,
        board::{board, sort},
        frame::{Size, frame},
    },
};

use crate::harness::served::{Outcome, program};

/// Columns of the pictures of a screen, and of a long one.
const COLUMNS: usize = 84;
const WIDE: usize = 110;

/// Width of a column, height of a row and the margin, in pixels.
const COLUMN: f64 = 8.4;
const ROW: usize = 19;
const MARGIN: usize = 16;

fn color(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "fill=\"#d7dae0\"",
        Tone::Strong => "fill=\"#ffffff\" font-weight=\"bold\"",
        Tone::Good => "fill=\"#8cc265\"",
        Tone::Wait => "fill=\"#e5c07b\"",
        Tone::Bad => "fill=\"#ff616e\" font-weight=\"bold\"",
        Tone::Faint => "fill=\"#7f848e\"",
    }
}

/// Lines of a terminal as a picture.
fn drawn(lines: &[Line], columns: usize) -> String {
    let pixels = |columns: usize| f64::from(u32::try_from(columns).unwrap()) * COLUMN;
    let width = pixels(columns) + 2.0 * f64::from(u32::try_from(MARGIN).unwrap());
    let height = lines.len() * ROW + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height}\" viewBox=\"0 0 {width:.0} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n\
         <g font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" xml:space=\"preserve\">\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let y = MARGIN + 14 + row * ROW;
        let mut before = 0;
        for span in &line.0 {
            let taken = console::measure_text_width(&span.text);
            if !span.text.trim().is_empty() {
                let x = pixels(before) + f64::from(u32::try_from(MARGIN).unwrap());
                let text = span
                    .text
                    .replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;");
                writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{y}\" textLength=\"{:.1}\" {}>{text}</text>",
                    pixels(taken),
                    color(span.tone)
                )
                .unwrap();
            }
            before += taken;
        }
    }
    svg + "</g>\n</svg>\n"
}

/// A demo's cluster as the commands see it.
async fn seen(demo: &Demo, clock: Clock, explained: bool) -> Status {
    let cluster = Cluster {
        client: demo.sim().client(),
        namespace: NAMESPACE.to_owned(),
        server: "demo".to_owned(),
        clock,
        request_timeout: None,
        memory: Default::default(),
        versions: Arc::new(Versions::of("demo", None)),
    };
    let object = demo
        .sim()
        .get("rollouts.kruise.io/v1beta1", "Rollout", NAMESPACE, NAME)
        .unwrap();
    let found = Found::new(RolloutVersion::V1beta1, object);
    if explained {
        reading::explained(&cluster, &found).await.unwrap()
    } else {
        reading::status(&cluster, &found).await.unwrap()
    }
}

async fn stopped(demo: &mut Demo, wanted: impl Fn(&Stop) -> bool) {
    loop {
        let stop = demo.engine().next_stop(|_| {}).await.unwrap();
        if wanted(&stop) {
            return;
        }
    }
}

/// A demo's release, so many seconds after it came to where it stops; and what time it is then.
async fn released(scenario: Scenario, seconds: u64) -> (Status, Timestamp) {
    let clock = Clock::starting_at("2026-01-01T12:00:00Z".parse().unwrap());
    let mut demo = Demo::start(clock, scenario).await.unwrap();
    demo.until_at_rest().await;
    let is_stuck = scenario == Scenario::Stuck;
    demo.release(if is_stuck { BROKEN_IMAGE } else { NEW_IMAGE })
        .await
        .unwrap();
    if seconds > 30 {
        stopped(&mut demo, |stop| {
            matches!(stop, Stop::WaitingForApproval { .. } | Stop::Degraded { .. })
        })
        .await;
    }
    clock.sleep(Duration::from_secs(seconds)).await;
    (seen(&demo, clock, is_stuck).await, clock.now())
}

/// A demo's Rollout before anything is released.
async fn resting() -> Status {
    let clock = Clock::starting_at("2026-01-01T12:00:00Z".parse().unwrap());
    let demo = Demo::start(clock, Scenario::Canary).await.unwrap();
    demo.until_at_rest().await;
    clock.sleep(Duration::from_secs(30)).await;
    seen(&demo, clock, false).await
}

/// The same release by another name, as a part of a larger cluster.
fn called(mut status: Status, name: &str) -> Status {
    let command = status.command.as_deref().unwrap_or_default();
    status.command = Some(command.replace(" web ", &format!(" {name} "))).filter(|text| !text.is_empty());
    status.name = name.to_owned();
    status
}

fn keys(status: &Status) -> Foot {
    let mut keys = useful(status);
    keys.extend([("e", "explain"), ("q", "quit")]);
    Foot { notice: None, keys }
}

/// A status seen at one time, as it would be seen at another: boards show many at once.
fn at(mut status: Status, seen: Timestamp, now: Timestamp) -> Status {
    let later: SignedDuration = now.duration_since(seen);
    status.position.since = status
        .position
        .since
        .map(|since| since.saturating_add(later).unwrap());
    status
}

/// Screens, drawn in virtual time.
fn screens() -> BTreeMap<&'static str, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let size = |columns| Size { columns, rows: 20 };
        let mut all = BTreeMap::new();
        let (paused, now) = released(Scenario::Canary, 133).await;
        let lines = frame(&paused, &keys(&paused), now, size(COLUMNS));
        all.insert("watch", drawn(&lines, COLUMNS));
        let (stuck, late) = released(Scenario::Stuck, 65).await;
        let lines = frame(&stuck, &keys(&stuck), late, size(COLUMNS));
        all.insert("trouble", drawn(&lines, COLUMNS));
        let lines: Vec<Line> = Explanation(stuck.clone())
            .lines(late)
            .iter()
            .map(|line| line.cut(WIDE))
            .collect();
        all.insert("explain", drawn(&lines, WIDE));
        let (begun, early) = released(Scenario::Batches, 1).await;
        let mut rows = vec![
            at(called(stuck, "checkout"), late, now),
            paused.clone(),
            at(called(begun, "search"), early, now),
            called(resting().await, "accounts"),
        ];
        sort(&mut rows);
        let foot = Foot {
            notice: None,
            keys: vec![
                ("↑↓", "choose"),
                ("enter", "open"),
                ("a", "approve"),
                ("q", "quit"),
            ],
        };
        let lines = board(&rows, Some(1), &foot, now, size(COLUMNS));
        all.insert("board", drawn(&lines, COLUMNS));
        all
    })
}

/// What a command prints, below the command as it is typed.
fn printed(words: &[&str], arguments: &[&str]) -> Vec<Line> {
    let outcome = Outcome::of(program().arg("rollout").args(arguments).output().unwrap());
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let mut typed = Line::new("$ ", Tone::Faint);
    typed.push(
        format!("kubectl kruise rollout {}", words.join(" ")),
        Tone::Strong,
    );
    let mut lines = vec![typed];
    lines.extend(outcome.stdout.lines().map(|line| Line::new(line, Tone::Plain)));
    lines
}

fn pictures() -> BTreeMap<&'static str, String> {
    let mut all = screens();
    let demo = printed(&["demo", "--yes"], &["demo", "--yes", "--speed", "50"]);
    all.insert("demo", drawn(&demo, COLUMNS));
    all
}

#[test]
fn pictures_show_what_the_program_prints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let update = std::env::var_os("UPDATE_GENERATED").is_some();
    let mut stale = Vec::new();
    let pictures = pictures();
    for (name, svg) in &pictures {
        let path = folder.join(format!("{name}.svg"));
        if update {
            fs::write(&path, svg).unwrap();
        } else if fs::read_to_string(&path).ok().as_ref() != Some(svg) {
            stale.push(*name);
        }
    }
    assert_eq!(
        stale,
        Vec::<&str>::new(),
        "draw them anew: UPDATE_GENERATED=1 cargo test --test it pictures"
    );
    let mut there: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    let wanted: Vec<String> = pictures.keys().map(|name| format!("{name}.svg")).collect();
    assert_eq!(there, wanted);
}
