//! Functions of Salt that mean several things by their arguments, as the functions that mean one.

use super::arguments::Arguments;
use crate::resource::{Function, Kind, Vocabulary};
use crate::source::{Entry, Node, Style};

/// Gives the function that Salt's arguments ask for: `docker_image.present` builds with `build` and loads with `load`.
/// `images` of `docker_image.absent` are names.
pub fn meant(
    kind: &'static dyn Kind,
    vocabulary: Vocabulary,
    function: Function,
    arguments: &mut Arguments,
) -> Function {
    if vocabulary != Vocabulary::Salt || kind.name() != "image" {
        return function;
    }
    if function.name == "absent" {
        for entry in arguments.entries.iter_mut().filter(|entry| entry.key == "images") {
            "names".clone_into(&mut entry.key);
        }
    }
    let by_argument = [("build", "built"), ("load", "loaded")].into_iter();
    let mut meant =
        by_argument.filter(|(argument, _)| function.name == "present" && arguments.get(argument).is_some());
    let Some(named) =
        meant.next().and_then(|(_, name)| kind.functions().iter().find(|known| known.name == name))
    else {
        return function;
    };
    if named.name == "built" {
        tagged(arguments);
    }
    *named
}

/// Puts the tag to the name, which is where a build takes it.
fn tagged(arguments: &mut Arguments) {
    let text = |entry: Option<&Entry>| entry.and_then(|entry| entry.value.text()).map(str::to_owned);
    let (Some(name), Some(tag)) = (text(arguments.get("name")), text(arguments.get("tag"))) else { return };
    arguments.entries.retain(|entry| entry.key != "tag");
    for entry in arguments.entries.iter_mut().filter(|entry| entry.key == "name") {
        entry.value = Node::scalar(entry.value.place.clone(), format!("{name}:{tag}"), Style::Quoted);
    }
}
