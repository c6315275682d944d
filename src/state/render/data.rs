//! What templates can ask for: `pillar`, `grains` and the functions of `salt`.

use std::sync::{Arc, OnceLock};

use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, Rest, Serde, from_args};
use minijinja::{Error, ErrorKind, State, Value};

use super::filters::{to_json, wrong};
use crate::state::inputs::Grains;
use crate::state::pillar::merge;

type Result<T> = std::result::Result<T, Error>;

/// A map that is read by paths with colons.
#[derive(Debug)]
pub struct Data {
    source: Source,
}

enum Source {
    Known(Value),
    Asked(Grains, OnceLock<Result<Value>>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("data")
    }
}

impl Data {
    pub fn pillar(pillar: Option<&serde_json::Value>) -> Arc<Self> {
        let source = match pillar {
            Some(pillar) => Source::Known(Value::from(Serde(pillar))),
            None => {
                let problem = wrong("pillar cannot be used in a pillar file");
                Source::Asked(Grains::Missing, OnceLock::from(Err(problem)))
            }
        };
        Arc::new(Self { source })
    }

    pub fn grains(grains: Grains) -> Arc<Self> {
        Arc::new(Self { source: Source::Asked(grains, OnceLock::new()) })
    }

    fn all(&self) -> Result<Value> {
        let (grains, asked) = match &self.source {
            Source::Known(value) => return Ok(value.clone()),
            Source::Asked(grains, asked) => (grains, asked),
        };
        let answer = asked.get_or_init(|| match grains {
            Grains::Given(value) => Ok(Value::from(Serde(value))),
            Grains::Lazy(ask) => match ask() {
                Ok(value) => Ok(Value::from(Serde(value))),
                Err(why) => Err(wrong(format!("the grains cannot be had: {why}"))),
            },
            Grains::Missing => Err(wrong("grains are facts of an engine, and there is none to ask")),
        });
        match answer {
            Ok(value) => Ok(value.clone()),
            Err(error) => Err(wrong(error.detail().unwrap_or_default().to_owned())),
        }
    }

    /// The value at `a:b`, or the default.
    pub fn get(&self, path: &str, default: Option<&Value>, merges: bool) -> Result<Value> {
        let mut found = self.all()?;
        for part in path.split(':') {
            let item = match part.parse::<i64>() {
                Ok(index) if found.kind() == minijinja::value::ValueKind::Seq => {
                    found.get_item(&Value::from(index))
                }
                _ => found.get_item(&Value::from(part)),
            };
            found = match item {
                Ok(value) if !value.is_undefined() => value,
                _ => {
                    // As in Python: false in a condition, and an error where it is printed.
                    return Ok(default.cloned().unwrap_or_else(|| Value::from(())));
                }
            };
        }
        if merges && let Some(default) = default {
            let mut merged = to_json(default)?;
            merge(&mut merged, to_json(&found)?);
            return Ok(Value::from(Serde(merged)));
        }
        Ok(found)
    }

    fn get_called(&self, args: &[Value]) -> Result<Value> {
        let (path, rest, kwargs): (&str, Rest<Value>, Kwargs) = from_args(args)?;
        let default: Option<Value> = kwargs.get("default")?;
        let merges: Option<bool> = kwargs.get("merge")?;
        let default = default.or_else(|| rest.first().cloned());
        self.get(path, default.as_ref(), merges.unwrap_or(false))
    }
}

impl Object for Data {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match self.all() {
            Ok(all) => all.get_item(key).ok().filter(|value| !value.is_undefined()),
            Err(error) => Some(Value::from(error)),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.all().and_then(|all| Ok(all.try_iter()?.collect())) {
            Ok(keys) => Enumerator::Values(keys),
            Err(_) => Enumerator::Empty,
        }
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value> {
        // Grains that cannot be had are an error, not an empty map.
        let _ = self.all()?;
        match method {
            "get" | "item" => self.get_called(args),
            "filter_by" => filter_by(self, args),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

/// Salt's lookup: the entry of a map that a grain chooses.
fn filter_by(grains: &Data, args: &[Value]) -> Result<Value> {
    let (lookup, rest, kwargs): (Value, Rest<Value>, Kwargs) = from_args(args)?;
    let named = |name: &str| kwargs.get::<Option<Value>>(name);
    let grain = named("grain")?.or_else(|| rest.first().cloned()).unwrap_or_else(|| Value::from("os_family"));
    let over = named("merge")?.or_else(|| rest.get(1).cloned()).filter(|value| !value.is_none());
    let default =
        named("default")?.or_else(|| rest.get(2).cloned()).unwrap_or_else(|| Value::from("default"));
    let base = named("base")?.or_else(|| rest.get(3).cloned()).filter(|value| !value.is_none());
    let path = grain.as_str().unwrap_or_default().to_owned();
    let chosen = grains.get(&path, None, false)?;
    let entry = |key: &Value| lookup.get_item(key).ok().filter(|value| !value.is_undefined());
    let found = entry(&chosen).or_else(|| entry(&default));
    let mut result = match base.as_ref().and_then(entry) {
        Some(base) => to_json(&base)?,
        None => serde_json::Value::Null,
    };
    if let Some(found) = found {
        merge(&mut result, to_json(&found)?);
    }
    if let Some(over) = over {
        merge(&mut result, to_json(&over)?);
    }
    Ok(Value::from(Serde(result)))
}

/// The functions of `salt`, called as `salt['pillar.get']` or `salt.pillar.get`.
#[derive(Debug)]
pub struct Salt {
    pillar: Arc<Data>,
    grains: Arc<Data>,
    /// The module that was named, as in `salt.pillar`.
    module: Option<String>,
}

impl Salt {
    pub fn new(pillar: &Arc<Data>, grains: &Arc<Data>) -> Self {
        Self { pillar: pillar.clone(), grains: grains.clone(), module: None }
    }

    fn function(&self, name: &str) -> Value {
        Value::from_object(Function {
            pillar: self.pillar.clone(),
            grains: self.grains.clone(),
            name: name.to_owned(),
        })
    }
}

/// One function of `salt`.
#[derive(Debug)]
struct Function {
    pillar: Arc<Data>,
    grains: Arc<Data>,
    name: String,
}

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value> {
        call(&self.pillar, &self.grains, &self.name, args)
    }
}

impl Object for Salt {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        Some(match &self.module {
            Some(module) => self.function(&format!("{module}.{key}")),
            None if key.contains('.') => self.function(key),
            None => Value::from_object(Self {
                pillar: self.pillar.clone(),
                grains: self.grains.clone(),
                module: Some(key.to_owned()),
            }),
        })
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value> {
        match &self.module {
            Some(module) => call(&self.pillar, &self.grains, &format!("{module}.{method}"), args),
            None => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

fn call(pillar: &Data, grains: &Data, name: &str, args: &[Value]) -> Result<Value> {
    match name {
        "pillar.get" | "pillar.item" | "config.get" => pillar.get_called(args),
        "pillar.items" => pillar.all(),
        "grains.get" | "grains.item" => grains.get_called(args),
        "grains.items" => grains.all(),
        "grains.filter_by" => filter_by(grains, args),
        "slsutil.merge" | "defaults.merge" => {
            let (base, over, _): (Value, Value, Kwargs) = from_args(args)?;
            let mut merged = to_json(&base)?;
            merge(&mut merged, to_json(&over)?);
            Ok(Value::from(Serde(merged)))
        }
        "environ.get" => Err(wrong(
            "salt['environ.get'] is refused: a template reads no environment; give the value with --pillar name=\"$NAME\"",
        )),
        "file.read" => Err(wrong("salt['file.read'] is refused: use {% import_text \"file\" as text %}")),
        _ => Err(wrong(format!(
            "salt['{name}'] is refused: a template runs nothing; known are pillar.get, grains.get, grains.filter_by, slsutil.merge"
        ))),
    }
}
