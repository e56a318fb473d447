//! `watch` on a terminal: a real pseudo-terminal, made by script(1), and what is on its screen.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Served, program},
    shop::{Turn, after, several_after},
};

/// A program on a terminal of its own.
struct Terminal {
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
    rows: usize,
}

impl Terminal {
    /// Starts `kubectl-kruise rollout ARGS` on a terminal of this size.
    fn start(shop: &Served, arguments: &str, rows: usize, columns: usize) -> Self {
        let program = program().get_program().to_string_lossy().into_owned();
        let line = format!(
            "stty rows {rows} cols {columns}; echo pid=$$ tty=$(tty); exec {program} rollout {arguments}"
        );
        let mut child = Command::new("script")
            .args(["-qefc", &line, "/dev/null"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("TERM", "xterm-256color")
            .env("NO_COLOR", "1")
            .env("SHELL", "/bin/sh")
            .env("KUBECONFIG", shop.folder.file("kubeconfig"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let output = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&output);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut piece) {
                sink.lock().unwrap().extend_from_slice(&piece[..read]);
            }
        });
        Self { child, output, rows }
    }

    fn press(&mut self, keys: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    fn raw(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned()
    }

    /// What stands on the screen, and the lines that were scrolled off it.
    fn screen(&self) -> (Vec<String>, usize) {
        screen(&self.raw(), self.rows)
    }

    /// Waits until something stands on the screen.
    fn wait_for(&self, shop: &Served, text: &str) {
        let raw = || self.screen().0.join("\n");
        shop.wait_for(|| raw().contains(text));
    }

    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.raw())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// A terminal's screen after these bytes: just what the live view uses. Rows in sight, and how many were scrolled off.
fn screen(raw: &str, rows: usize) -> (Vec<String>, usize) {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut top, mut row, mut column) = (0, 0, 0);
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(Vec::new());
                }
                top = top.max((row + 1).saturating_sub(rows));
            }
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                let mut parameter = String::new();
                let end = loop {
                    match chars.next() {
                        Some(c @ ('0'..='9' | ';' | '?')) => parameter.push(c),
                        Some(c) => break c,
                        None => return (Vec::new(), 0),
                    }
                };
                let number: usize = parameter.parse().unwrap_or(1);
                match end {
                    'A' => row = row.saturating_sub(number).max(top),
                    'G' => column = number - 1,
                    'K' => lines[row].truncate(column),
                    'J' => {
                        lines[row].truncate(column);
                        lines.truncate(row + 1);
                    }
                    _ => {}
                }
            }
            c => {
                let line = &mut lines[row];
                while line.len() <= column {
                    line.push(' ');
                }
                line[column] = c;
                column += 1;
            }
        }
    }
    let seen = lines[top..]
        .iter()
        .map(|line| line.iter().collect::<String>().trim_end().to_owned());
    (seen.collect(), top)
}

#[test]
fn a_release_is_followed_and_steered_with_keys() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Alive);
    let mut terminal = Terminal::start(&shop, "watch web", 20, 80);
    terminal.wait_for(&shop, "waiting for approval: step 1/3");
    terminal.wait_for(&shop, "a approve");
    let (screen, scrolled) = terminal.screen();
    assert!(screen.len() <= 20 && scrolled == 0, "{screen:#?}");
    assert!(
        screen.iter().all(|line| line.chars().count() <= 80),
        "{screen:#?}"
    );
    assert!(
        screen
            .iter()
            .any(|line| line.contains("kubectl kruise rollout approve web -n shop --step 1")),
        "{screen:#?}"
    );

    terminal.press("p");
    shop.wait_for(|| shop.rollout()["spec"]["strategy"]["paused"] == true);
    terminal.wait_for(&shop, "p resume");
    terminal.press("p");
    shop.wait_for(|| shop.rollout()["spec"]["strategy"]["paused"] != true);
    terminal.wait_for(&shop, "p pause");

    terminal.press("e");
    terminal.wait_for(&shop, "WaitingApproval");
    terminal.press("e");
    terminal.wait_for(&shop, "e explain");

    terminal.press("a");
    shop.wait_for(|| shop.rollout()["status"]["canaryStatus"]["currentStepState"] == "StepReady");

    terminal.press("q");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0), "{raw}");
    assert!(
        raw.trim_end().ends_with("\u{1b}[?25h"),
        "the cursor is given back: {raw:?}"
    );
    assert!(
        !raw.contains("\u{1b}[?1049h") && !raw.contains("\u{1b}[2J"),
        "the scrollback is left alone"
    );
    assert!(raw.contains("\u{1b}[?2026h"), "frames are painted at once");
}

#[test]
fn repainting_leaves_the_scrollback_alone() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Alive);
    let mut terminal = Terminal::start(&shop, "watch web", 12, 60);
    terminal.wait_for(&shop, "waiting for approval");
    // Every change is a new picture.
    for replicas in [4, 5, 6, 7] {
        let mut deployment = shop.deployment();
        deployment["spec"]["replicas"] = json!(replicas);
        deployment["metadata"]["generation"] = json!(replicas + 10);
        shop.sim.load(deployment).unwrap();
        terminal.wait_for(&shop, &format!("/{replicas} ready"));
    }
    // The server restarts: its watches end, and are taken up again.
    shop.sim.cut_watches();
    let mut deployment = shop.deployment();
    deployment["spec"]["replicas"] = json!(9);
    deployment["metadata"]["generation"] = json!(99);
    shop.sim.load(deployment).unwrap();
    terminal.wait_for(&shop, "/9 ready");
    let (screen, scrolled) = terminal.screen();
    assert_eq!(scrolled, 0, "{screen:#?}");
    assert!(
        screen[1].starts_with("shop/web"),
        "below the line of the shell: {screen:#?}"
    );
    terminal.press("\u{3}");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(130), "{raw}");
    assert!(raw.contains("\u{1b}[?25h"));
}

#[test]
fn another_size_of_the_terminal_is_another_picture() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let mut terminal = Terminal::start(&shop, "watch web", 20, 80);
    terminal.wait_for(&shop, "q quit");
    let raw = terminal.raw();
    let tty: String = raw
        .split("tty=")
        .nth(1)
        .unwrap()
        .chars()
        .take_while(|c| !c.is_whitespace())
        .collect();
    let resize = |rows: &str, columns: &str| {
        let done = Command::new("stty")
            .args(["-F", &tty, "rows", rows, "cols", columns])
            .status()
            .unwrap();
        assert!(done.success());
    };
    let painted = terminal.raw().len();
    resize("8", "30");
    shop.wait_for(|| {
        screens(&terminal.raw()[painted..], 8).any(|screen| screen[0] == "shop/web  waiting for approva…")
    });
    let fits =
        |screen: &Vec<String>| screen.len() <= 9 && screen.iter().all(|line| line.chars().count() <= 30);
    let raw = terminal.raw();
    let last = screens(&raw[painted..], 9).last().unwrap();
    assert!(fits(&last), "{last:#?}");
    let painted = raw.len();
    resize("20", "80");
    shop.wait_for(|| {
        terminal.raw()[painted..].contains("kubectl kruise rollout approve web -n shop --step 1")
    });
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(0));
}

/// The frames in these bytes, each on a screen of its own.
fn screens(raw: &str, rows: usize) -> impl Iterator<Item = Vec<String>> + '_ {
    let whole = raw
        .split("\u{1b}[?2026h")
        .skip(1)
        .filter(|frame| frame.contains("\u{1b}[?2026l"));
    whole.map(move |frame| screen(frame, rows).0)
}

#[test]
fn the_board_shows_many_and_opens_one() {
    let shop = Served::with(
        several_after(&["web", "api"], &[Turn::Released("web:v2")]),
        Life::Alive,
    );
    let mut terminal = Terminal::start(&shop, "watch -A", 20, 80);
    terminal.wait_for(&shop, "2 Rollouts   2 waiting for you");
    terminal.wait_for(&shop, "› ? shop/");
    terminal.press("\r");
    terminal.wait_for(&shop, "esc board");
    terminal.press("\u{1b}");
    terminal.wait_for(&shop, "2 Rollouts");
    // One that is made meanwhile appears, one that goes disappears.
    let mut other: Value = shop.rollout();
    other["metadata"] = json!({ "name": "third", "namespace": "shop" });
    other["status"] = json!({});
    shop.sim.load(other).unwrap();
    terminal.wait_for(&shop, "3 Rollouts");
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn the_board_shows_what_is_held() {
    let shop = Served::with(super::status::one_held(), Life::Still);
    let mut terminal = Terminal::start(&shop, "watch -A", 20, 80);
    terminal.wait_for(&shop, "› ▶ shop/web  held");
    terminal.wait_for(&shop, "kubectl kruise rollout run web -n shop");
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn trap8_a_signal_gives_the_terminal_back() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let terminal = Terminal::start(&shop, "watch web", 20, 80);
    shop.wait_for(|| terminal.raw().contains("pid="));
    let raw = terminal.raw();
    let pid: String = raw
        .split("pid=")
        .nth(1)
        .unwrap()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    terminal.wait_for(&shop, "waiting for approval");
    let _ = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(130), "{raw:?}");
    assert!(raw.contains("\u{1b}[?25h"), "{raw:?}");
    assert!(raw.contains("interrupted"), "{raw:?}");
}
