//! The reasons of an operation's errors, by what callers tell them apart: the code and its details.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Operation;

impl Operation {
    /// Each reason that the document's examples give, with its status. Where the details tell two examples of a response
    /// not apart, their messages do.
    pub fn reasons(&self) -> impl Iterator<Item = (u16, String)> {
        self.responses.iter().flat_map(|(status, response)| {
            let mut alike = BTreeMap::<String, Vec<&Value>>::new();
            for error in &response.errors {
                for reason in self.by_details(error) {
                    alike.entry(reason).or_default().push(error);
                }
            }
            let reasons = alike.into_iter().flat_map(|(reason, errors)| {
                if errors.len() == 1 {
                    vec![reason]
                } else {
                    errors.into_iter().map(by_message).collect()
                }
            });
            reasons.map(|reason| (*status, reason)).collect::<Vec<_>>()
        })
    }

    /// All the reasons that an error which was answered may stand for.
    #[must_use]
    pub fn reasons_of(&self, error: &Value) -> Vec<String> {
        let mut reasons = self.by_details(error);
        reasons.extend([general(error), by_message(error)]);
        reasons
    }

    /// A reason for each violation of a field that the operation has; else the one that the other details give. A response
    /// that operations share may name a field of another one.
    fn by_details(&self, error: &Value) -> Vec<String> {
        let violations = error["details"]["violations"].as_array();
        let own: Vec<String> = violations
            .into_iter()
            .flatten()
            .filter_map(|violation| {
                let (field, rule) = (violation["field"].as_str()?, violation["rule"].as_str()?);
                let name = field.split(['[', '.']).next()?;
                let known = self.fields.iter().any(|field| field == name);
                known.then(|| format!("{} {name}: {rule}", general(error)))
            })
            .collect();
        if own.is_empty() {
            vec![general(error)]
        } else {
            own
        }
    }
}

/// The code with the names of the details, and the words that are there to tell.
fn general(error: &Value) -> String {
    let mut reason = text(&error["code"]).to_owned();
    for (name, value) in error["details"].as_object().into_iter().flat_map(Map::iter) {
        match name.as_str() {
            "reason" | "resource" => reason += &format!(" {name}={}", text(value)),
            // Which record it is about and how far it came, and no reason.
            "action" | "applied" => {}
            _ => reason += &format!(" {name}"),
        }
    }
    reason
}

fn by_message(error: &Value) -> String {
    format!("{} \"{}\"", general(error), text(&error["message"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
