//! The scripted scenarios: every kind, and combinations.

mod alone;
mod failing;
mod together;

/// One test for each scenario.
macro_rules! scenarios {
    ($holds:ident: $($name:ident => $case:expr;)+) => {
        $(
            #[test]
            fn $name() {
                let case: fn(crate::laws::case::Case) -> crate::laws::case::Case = $case;
                crate::laws::faults::$holds(case(crate::laws::case::case(stringify!($name))));
            }
        )+
    };
}
use scenarios;
