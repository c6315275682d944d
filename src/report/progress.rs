//! What is going on, while it goes on: lines that are redrawn on a terminal, plain lines in a
//! pipe. Speaks to standard error alone, so that standard output holds the report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::text::{CYAN, DIM, RED, YELLOW, duration, harmless, lines, message, paint};
use super::view::{Amount, Glyphs, View};
use crate::plan::{ChangeId, Event, Phase, Plan};

/// Where progress goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// A terminal with this many columns; what runs is redrawn in place.
    Live { width: usize },
    /// A pipe or a file; every line stays.
    Plain,
}

/// Whether colours are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Colours,
    Plain,
}

/// Shows events as they come. A writer that fails is ignored: a closed pipe must not stop a run.
pub struct Progress(Mutex<State>);

struct State {
    out: Box<dyn Write + Send>,
    display: Display,
    paint: Paint,
    glyphs: Glyphs,
    amount: Amount,
    names: BTreeMap<ChangeId, String>,
    phase: Option<Phase>,
    running: BTreeMap<ChangeId, Running>,
    /// Lines on the terminal that the next drawing replaces.
    drawn: usize,
    drawn_at: Option<Instant>,
}

struct Running {
    step: String,
    since: Instant,
    text: String,
    told: Option<Instant>,
}

/// Lines of running changes that a terminal shows at a time.
const MOST_LIVE_LINES: usize = 8;
/// How long a terminal keeps a drawing, at least, while only progress of steps comes in.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a pipe hears of the progress of one step, at most.
const PLAIN_PROGRESS: Duration = Duration::from_secs(5);

impl Progress {
    pub fn new(out: Box<dyn Write + Send>, display: Display, paint: Paint, view: &View) -> Self {
        Self(Mutex::new(State {
            out,
            display,
            paint,
            glyphs: view.glyphs,
            amount: view.amount,
            names: BTreeMap::new(),
            phase: None,
            running: BTreeMap::new(),
            drawn: 0,
            drawn_at: None,
        }))
    }

    /// Shows one event.
    pub fn show(&self, event: &Event) {
        let mut state = self.state();
        let (lines, urgency) = state.take(event);
        state.print(&lines, urgency);
    }

    /// Prints lines that stay, above what is redrawn.
    pub fn say(&self, text: &str) {
        self.state().print(text, Urgency::Now);
    }

    /// Draws anew what runs, so that waiting times go on.
    pub fn tick(&self) {
        let mut state = self.state();
        if !state.running.is_empty() {
            state.print("", Urgency::Now);
        }
    }

    /// Takes away what was drawn; only lines that stay are left.
    pub fn finish(&self) {
        let mut state = self.state();
        state.running.clear();
        state.print("", Urgency::Now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a terminal has to be drawn anew at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgency {
    Now,
    Soon,
}

impl State {
    /// Takes note of an event; gives the lines that stay.
    fn take(&mut self, event: &Event) -> (String, Urgency) {
        let is_plain = self.display == Display::Plain;
        let is_verbose = self.amount == Amount::Verbose;
        let mut text = String::new();
        let mut urgency = Urgency::Now;
        match event {
            Event::Planned { plan } => self.names = names(plan),
            Event::PhaseStarted { phase } => self.phase = Some(*phase),
            Event::StepStarted { change, step } => {
                let now = Instant::now();
                let running =
                    Running { step: harmless(step), since: now, text: String::new(), told: Some(now) };
                self.running.insert(*change, running);
                if is_plain {
                    text = self.line(*change, &harmless(step));
                }
            }
            Event::StepProgress { change, text: news } => {
                urgency = Urgency::Soon;
                let news = lines(news).pop().unwrap_or_default();
                if self.heard(*change, &news) && is_plain {
                    text = self.line(*change, &news);
                }
            }
            Event::StepDone { change, step, took } => {
                self.running.remove(change);
                if is_verbose || (is_plain && *took >= PLAIN_PROGRESS) {
                    text = self.line(*change, &format!("{}: done in {}", harmless(step), duration(*took)));
                }
            }
            Event::StepFailed { change, step, reason } => {
                self.running.remove(change);
                let failed = paint(RED, "failed");
                text = self.line(*change, &format!("{}: {failed}: {}", harmless(step), harmless(reason)));
            }
            Event::Recovering { change, why } => {
                let recovering = paint(YELLOW, "recovering");
                text = self.line(*change, &format!("{recovering}: {}", harmless(why)));
            }
            Event::ChangeDone { change } => _ = self.running.remove(change),
            Event::Message { text: said } => text = message(said),
        }
        (text, urgency)
    }

    /// Keeps the newest progress of a step; true if a pipe is to hear of it.
    fn heard(&mut self, change: ChangeId, news: &str) -> bool {
        let Some(running) = self.running.get_mut(&change) else { return false };
        let is_new = running.text != news && !news.is_empty();
        let is_due = running.told.is_none_or(|told| told.elapsed() >= PLAIN_PROGRESS);
        running.text = news.to_owned();
        let is_told = is_new && (is_due || self.amount == Amount::Verbose);
        if is_told {
            running.told = Some(Instant::now());
        }
        is_told
    }

    /// `[switch] web: stop container web`
    fn line(&self, change: ChangeId, what: &str) -> String {
        let phase = self.phase.map_or("plan", Phase::word);
        format!("{} {}: {what}\n", paint(CYAN, format!("[{phase}]")), self.name(change))
    }

    fn name(&self, change: ChangeId) -> &str {
        self.names.get(&change).map_or("?", String::as_str)
    }

    fn print(&mut self, lines: &str, urgency: Urgency) {
        let is_recent = self.drawn_at.is_some_and(|at| at.elapsed() < REDRAW);
        if lines.is_empty() && urgency == Urgency::Soon && is_recent {
            return;
        }
        let mut painted = lines.to_owned();
        let drawing = self.drawing();
        for line in &drawing {
            painted.push_str(&paint(DIM, line));
            painted.push('\n');
        }
        let mut text = match self.drawn {
            0 => String::new(),
            // Up to the first line drawn, and away with everything from there on.
            drawn => format!("\x1b[{drawn}A\r\x1b[J"),
        };
        self.drawn = drawing.len();
        self.drawn_at = Some(Instant::now());
        match self.paint {
            Paint::Colours => text.push_str(&painted),
            Paint::Plain => text.push_str(&anstream::adapter::strip_str(&painted).to_string()),
        }
        if !text.is_empty() {
            _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        }
    }

    /// One line for each change that runs, none of which wraps.
    fn drawing(&self) -> Vec<String> {
        let Display::Live { width } = self.display else { return Vec::new() };
        let mut drawing: Vec<_> = self
            .running
            .iter()
            .take(MOST_LIVE_LINES)
            .map(|(change, running)| {
                let mut line = format!("  {}: {}", self.name(*change), running.step);
                if running.since.elapsed() >= Duration::from_secs(1) {
                    _ = write!(line, " ({} s)", running.since.elapsed().as_secs());
                }
                if !running.text.is_empty() {
                    _ = write!(line, "  {}", running.text);
                }
                self.shortened(&line, width)
            })
            .collect();
        if self.running.len() > MOST_LIVE_LINES {
            drawing.push(format!("  and {} more", self.running.len() - MOST_LIVE_LINES));
        }
        drawing
    }

    /// Cuts a line off before the terminal would wrap it, counting two columns for everything
    /// beyond Latin letters.
    fn shortened(&self, line: &str, width: usize) -> String {
        let columns = |c: char| if c < '\u{300}' { 1 } else { 2 };
        if line.chars().map(columns).sum::<usize>() < width {
            return line.to_owned();
        }
        let end = self.glyphs.cut();
        let mut left = width.saturating_sub(end.len() + 1);
        let fits = |c: &char| {
            let fits = columns(*c) <= left;
            left = left.saturating_sub(columns(*c));
            fits
        };
        line.chars().take_while(fits).collect::<String>() + end
    }
}

/// What changes are called: by their name, with the kind before it where two share the name.
fn names(plan: &Plan) -> BTreeMap<ChangeId, String> {
    let mut bearers: BTreeMap<&str, usize> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| change.is_pending()) {
        *bearers.entry(&change.state.name).or_default() += 1;
    }
    let name = |change: &crate::plan::Change| {
        let name = harmless(&change.state.name);
        let is_shared = bearers.get(change.state.name.as_str()).is_some_and(|count| *count > 1);
        if is_shared { format!("{}.{name}", change.state.kind) } else { name }
    };
    plan.changes.iter().map(|change| (change.id, name(change))).collect()
}
