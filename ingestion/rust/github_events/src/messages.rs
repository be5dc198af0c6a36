//! From events to the bytes of messages (CONTRACT.md, section 6).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Where each key of a message comes from (parent, name), in the order of the keys.
const PATHS: [(&str, Option<&str>, &str); 7] = [
    ("id", None, "id"),
    ("type", None, "type"),
    ("action", Some("payload"), "action"),
    ("repo", Some("repo"), "name"),
    ("actor", Some("actor"), "login"),
    ("org", Some("org"), "login"),
    ("created_at", None, "created_at"),
];
const REQUIRED: [&str; 2] = ["id", "created_at"];
const SEEN: usize = 200_000;
/// Below Kafka's limit of 1 MiB a message.
const LONGEST_DEAD_LETTER: usize = 900_000;

/// An object whose members are not read yet: most of an event never is.
type Object<'a> = HashMap<String, &'a RawValue>;

/// One Kafka message; a reason makes it a dead letter. The identity tells whether it was sent before.
pub struct Message {
    pub key: Option<String>,
    pub value: String,
    pub identity: String,
    pub created_at: String,
    pub reason: Option<String>,
}

/// Returns one message for each element of a page, in page order.
pub fn messages(events: &[Box<RawValue>]) -> Vec<Message> {
    events.iter().map(|event| message(event).unwrap_or_else(|reason| dead_letter(event, reason))).collect()
}

/// The identities of the last messages: at least `size` of them, at most twice as many.
pub struct Seen {
    size: usize,
    young: HashSet<String>,
    old: HashSet<String>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { size: SEEN, young: HashSet::new(), old: HashSet::new() }
    }
}

impl Seen {
    /// Remembers this identity; returns whether it is new.
    pub fn add(&mut self, identity: &str) -> bool {
        if self.young.contains(identity) {
            return false;
        }
        let is_known = self.old.contains(identity);
        if self.young.len() >= self.size {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(identity.into());
        !is_known
    }
}

/// Replaces the escapes of lone surrogates by that of U+FFFD: no text of Rust can hold what they stand for.
pub fn replace_lone_surrogates(json: &str) -> Cow<'_, str> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return json.into();
    }
    let mut found = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(place) = rest.find('\\') {
        found += &rest[..place];
        rest = &rest[place..];
        let (length, lone) = match (surrogate(rest), rest.get(6..).and_then(surrogate)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (12, false),
            (Some(0xd800..0xe000), _) => (6, true),
            _ => (2, false),
        };
        let (escape, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        found += if lone { "\\ufffd" } else { escape };
        rest = after;
    }
    (found + rest).into()
}

/// Returns the code unit that an escape at the start of this text stands for.
fn surrogate(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

fn message(event: &RawValue) -> Result<Message, String> {
    let event: Object = object(event).ok_or("event is not an object")?;
    let mut fields = Map::new();
    for (key, parent, name) in PATHS {
        if let Some(text) = text(&event, key, parent, name)? {
            fields.insert(key.into(), text.into());
        }
    }
    let field = |key: &str| fields.get(key).and_then(Value::as_str).map(String::from);
    let (key, id, created_at) =
        (field("repo"), field("id").unwrap_or_default(), field("created_at").unwrap_or_default());
    let identity = format!("{id} {created_at}");
    Ok(Message { key, value: Value::Object(fields).to_string(), identity, created_at, reason: None })
}

fn dead_letter(event: &RawValue, reason: String) -> Message {
    let text = event.get();
    let end = (0..=text.len().min(LONGEST_DEAD_LETTER)).rfind(|end| text.is_char_boundary(*end));
    let value = text[..end.unwrap_or_default()].to_owned();
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    let identity = format!("{:x}", hasher.finish());
    Message { key: None, value, identity, created_at: String::new(), reason: Some(reason) }
}

fn text(event: &Object, key: &str, parent: Option<&str>, name: &str) -> Result<Option<String>, String> {
    let inner = match parent {
        Some(parent) => optional(event.get(parent), object, &format!("{parent} is not an object"))?.unwrap_or_default(),
        None => event.clone(),
    };
    let string = |raw| serde_json::from_str::<String>(RawValue::get(raw)).ok();
    let text = optional(inner.get(name), string, &format!("{key} is not a string"))?;
    if text.is_none() && REQUIRED.contains(&key) { Err(format!("{key} is missing")) } else { Ok(text) }
}

fn object(raw: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(raw.get()).ok()
}

/// Returns what a member is as this kind, `None` when it is absent.
fn optional<'a, T>(
    raw: Option<&&'a RawValue>,
    kind: fn(&'a RawValue) -> Option<T>,
    reason: &str,
) -> Result<Option<T>, String> {
    match raw {
        None => Ok(None),
        Some(raw) if matches!(raw.get(), "null" | "\"\"") => Ok(None),
        Some(raw) => kind(raw).map(Some).ok_or_else(|| reason.into()),
    }
}
