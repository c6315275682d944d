//! Lists and maps that a template can change, as in Python: `{% do x.append(1) %}`. What is put
//! in is copied, so that nothing can contain itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

const MAX_COPY: usize = 200_000;
const MAX_DEPTH: usize = 64;

#[derive(Debug)]
struct List(Mutex<Vec<Value>>);

#[derive(Debug)]
struct Map(Mutex<IndexMap<Value, Value>>);

/// Copies a list or a map into one that can be changed; other values are given back.
pub fn changeable(value: &Value) -> Result<Value, Error> {
    copy(value, &mut 0, 0)
}

fn copy(value: &Value, count: &mut usize, depth: usize) -> Result<Value, Error> {
    *count += 1;
    if *count > MAX_COPY || depth > MAX_DEPTH {
        return Err(Error::new(ErrorKind::InvalidOperation, "this list or map becomes too large"));
    }
    Ok(match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(|item| copy(&item, count, depth + 1));
            Value::from_object(List(Mutex::new(items.collect::<Result<_, _>>()?)))
        }
        ValueKind::Map => {
            let mut map = IndexMap::new();
            for key in value.try_iter()? {
                let inner = copy(&value.get_item(&key)?, count, depth + 1)?;
                map.insert(key, inner);
            }
            Value::from_object(Map(Mutex::new(map)))
        }
        _ => value.clone(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wrong(text: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

fn position(value: &Value, length: usize) -> Option<usize> {
    let index = value.as_i64()?;
    let index = if index < 0 { index + i64::try_from(length).ok()? } else { index };
    usize::try_from(index).ok()
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let items = lock(&self.0);
        items.get(position(key, items.len())?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(lock(&self.0).len())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match (method, args) {
            ("append", [value]) => {
                let value = changeable(value)?;
                lock(&self.0).push(value);
            }
            ("extend", [more]) => {
                let more: Vec<Value> =
                    more.try_iter()?.map(|item| changeable(&item)).collect::<Result<_, _>>()?;
                let mut items = lock(&self.0);
                if items.len() + more.len() > MAX_COPY {
                    return Err(wrong("this list becomes too large"));
                }
                items.extend(more);
            }
            ("insert", [index, value]) => {
                let value = changeable(value)?;
                let mut items = lock(&self.0);
                let length = items.len();
                let index = position(index, length).unwrap_or(0).min(length);
                items.insert(index, value);
            }
            ("pop", rest @ ([] | [_])) => {
                let mut items = lock(&self.0);
                let index = match rest.first() {
                    Some(index) => position(index, items.len()),
                    None => items.len().checked_sub(1),
                };
                let index = index
                    .filter(|index| *index < items.len())
                    .ok_or_else(|| wrong("pop from an empty list"))?;
                return Ok(items.remove(index));
            }
            ("remove", [value]) => {
                let found = lock(&self.0).clone().iter().position(|item| item == value);
                let index = found.ok_or_else(|| wrong("the list has no such item"))?;
                lock(&self.0).remove(index);
            }
            ("clear", []) => lock(&self.0).clear(),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(Value::from(()))
    }
}

impl Object for Map {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        lock(&self.0).get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(lock(&self.0).keys().cloned().collect())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match (method, args) {
            ("update", [more]) => {
                let mut added = Vec::new();
                if more.kind() == ValueKind::Map {
                    for key in more.try_iter()? {
                        let value = changeable(&more.get_item(&key)?)?;
                        added.push((key, value));
                    }
                } else {
                    return Err(wrong("update takes a mapping"));
                }
                lock(&self.0).extend(added);
            }
            ("setdefault", [key, rest @ ..]) => {
                if let Some(known) = lock(&self.0).get(key) {
                    return Ok(known.clone());
                }
                let value = changeable(rest.first().unwrap_or(&Value::from(())))?;
                lock(&self.0).insert(key.clone(), value.clone());
                return Ok(value);
            }
            ("pop", [key, rest @ ..]) => {
                let popped = lock(&self.0).shift_remove(key);
                let default = rest.first().cloned();
                return popped.or(default).ok_or_else(|| wrong("the mapping has no such key"));
            }
            ("clear", []) => lock(&self.0).clear(),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(Value::from(()))
    }
}
