//! How one call goes wrong.

use crate::real_laws::scene::{FILE, Scene};
use crate::rig::engines::Engine;
use crate::rig::proxy::Fault;
use crate::rig::waiting::until;
use crate::rig::workspace::{Run, Victim};

/// How the k-th call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The engine answers 500 and does nothing.
    Refused,
    /// The engine does it, and nobody hears of it.
    AnswerLost,
    /// evenkeel dies before the call reaches the engine.
    KilledBefore,
    /// evenkeel dies when the engine has done it.
    KilledAfter,
    /// The engine does not do it and says nothing.
    Silent,
    /// The engine does it and says nothing.
    DoneAndSilent,
    /// The engine says nothing, and does it when evenkeel has given up.
    DoneLate,
    /// The engine is killed before it gets the call, and started again at once.
    EngineKilledBefore,
    /// The engine does it, is killed, and started again at once.
    EngineKilledAfter,
    /// The engine is killed before it gets the call, and not started before evenkeel has ended.
    EngineGone,
    /// The engine is restarted as an update of it does, before it gets the call.
    EngineRestarted,
}

/// How long the engine may be silent where it is.
const PATIENCE: (&str, &str) = ("EVENKEEL_ENGINE_TIMEOUT", "5s");

impl Trouble {
    pub fn restarts_engine(self) -> bool {
        use Trouble::{EngineGone, EngineKilledAfter, EngineKilledBefore, EngineRestarted};
        matches!(self, EngineKilledBefore | EngineKilledAfter | EngineGone | EngineRestarted)
    }

    /// Runs evenkeel and lets its k-th call go wrong. Gives how it ended, when the engine answers again.
    pub fn strike(self, scene: &Scene<'_>, k: usize) -> Run {
        let victim = Victim::default();
        let (killer, engine) = (victim.clone(), scene.engine.clone());
        let mut held = None;
        let mut holding = |(fault, hold)| {
            held = Some(hold);
            fault
        };
        let order = |order: fn(&Engine)| Box::new(move || order(&engine));
        let fault = match self {
            Self::Refused => Fault::Refuse(500),
            Self::AnswerLost => Fault::LoseAnswer,
            Self::KilledBefore => Fault::Instead(Box::new(move || killer.kill())),
            Self::KilledAfter => Fault::After(Box::new(move || killer.kill())),
            Self::Silent => holding(Fault::hang()),
            Self::DoneAndSilent => holding(Fault::hang_after()),
            Self::DoneLate => holding(Fault::hold()),
            Self::EngineKilledBefore => Fault::Instead(order(Engine::crash)),
            Self::EngineKilledAfter => Fault::After(order(Engine::crash)),
            Self::EngineGone => Fault::Instead(order(Engine::kill)),
            Self::EngineRestarted => Fault::Instead(order(Engine::restart)),
        };
        scene.proxy.fault_at(k, fault);
        let patience: &[_] = if held.is_some() { &[PATIENCE] } else { &[] };
        let run = scene.workspace.start_with(["apply", FILE], victim, patience).wait();
        // On a machine that is busy, others may come too late as well, and there are fewer calls.
        let is_slow = held.is_some() && run.stdout.contains("no answer within");
        assert!(scene.proxy.faults_are_spent() || is_slow, "there was no call {k}: {run}");
        drop(held);
        if self == Self::EngineGone {
            scene.engine.start();
        }
        if self == Self::DoneLate && scene.proxy.faults_are_spent() {
            until("the call is done", || {
                let late = scene.proxy.mutations().into_iter().nth(k - 1);
                late.is_none_or(|request| request.took.is_some())
            });
        }
        self.ends(&run);
        run
    }

    fn ends(self, run: &Run) {
        match self {
            Self::KilledBefore | Self::KilledAfter => assert_eq!(run.code(), None, "{run}"),
            Self::Refused | Self::AnswerLost | Self::Silent | Self::DoneAndSilent | Self::DoneLate => {
                assert!(matches!(run.code(), Some(0 | 1)), "{run}");
            }
            Self::EngineKilledBefore | Self::EngineKilledAfter | Self::EngineGone | Self::EngineRestarted => {
                assert!(matches!(run.code(), Some(0 | 1 | 4)), "{run}")
            }
        }
        assert!(!run.stderr.contains("panicked"), "{run}");
    }
}
