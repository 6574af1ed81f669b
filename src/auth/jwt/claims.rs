//! Who a login token is of: its claims, read as the settings name them.

use serde_json::{Map, Value};

use crate::auth::{Capability, Principal, valid_id};
use crate::config::JwtConfig;

/// The claims of a token.
pub(super) type Claims = Map<String, Value>;

/// Who the token is of, or why it is refused: for the log. Signature, issuer and times have been verified.
pub(super) fn principal(claims: &Claims, config: &JwtConfig) -> Result<Principal, String> {
    let mut audience = texts(claims, &config.audience_claim);
    if !audience.any(|audience| audience == config.audience) {
        return Err(format!(
            "its {} does not contain JWT_AUDIENCE (JWT_AUDIENCE_CLAIM)",
            config.audience_claim
        ));
    }
    Ok(Principal {
        organization_id: organization(claims, &config.organization_claim)?,
        user_id: user(claims, &config.user_claim)?,
        api_key_id: None,
        capabilities: texts(claims, &config.role_claim)
            .flat_map(granted)
            .copied()
            .collect(),
    })
}

/// The last second in which the token is valid by its own word, since the epoch.
pub(super) fn expiry(claims: &Claims) -> u64 {
    let at = claims.get("exp");
    // RFC 7519, section 2: a NumericDate may have a fraction.
    let fraction = || at.and_then(Value::as_f64).map(|at| at as u64);
    at.and_then(Value::as_u64)
        .or_else(fraction)
        .unwrap_or_default()
}

/// The one organization. A token of several does not say for which of them it was minted.
fn organization(claims: &Claims, claim: &str) -> Result<String, String> {
    let why = match values(claims, claim) {
        [Value::String(id)] => match valid_id(id) {
            Ok(id) => return Ok(id.to_owned()),
            Err(bad) => format!("holds an organization that {bad}"),
        },
        [_, _, ..] => "holds several organizations".to_owned(),
        _ => "holds no organization".to_owned(),
    };
    Err(format!("its claim {claim} {why} (JWT_ORGANIZATION_CLAIM)"))
}

/// The person, where the token names one.
fn user(claims: &Claims, claim: &str) -> Result<Option<String>, String> {
    match find(claims, claim).and_then(Value::as_str) {
        None | Some("") => Ok(None),
        Some(id) => match valid_id(id) {
            Ok(id) => Ok(Some(id.to_owned())),
            Err(bad) => Err(format!(
                "its claim {claim} holds a user id that {bad} (JWT_USER_CLAIM)"
            )),
        },
    }
}

/// What a role may do.
fn granted(role: &str) -> &'static [Capability] {
    match role {
        "owner" | "admin" => &Capability::ALL,
        "member" => &[Capability::Read, Capability::Send],
        _ => &[],
    }
}

/// The texts that a claim holds, alone or in a list.
fn texts<'a>(claims: &'a Claims, claim: &str) -> impl Iterator<Item = &'a str> {
    values(claims, claim).iter().filter_map(Value::as_str)
}

/// What a claim holds: the items of a list, or the one value.
fn values<'a>(claims: &'a Claims, claim: &str) -> &'a [Value] {
    match find(claims, claim) {
        Some(Value::Array(items)) => items,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
}

/// A claim by its name, or by the path to it: `realm_access.roles` is the claim of that name or, where there is none,
/// `roles` in the object `realm_access`. Names in a path may hold dots too (`https://example.com/claims.role`): the longest
/// that is there comes first.
fn find<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    claims.get(path).or_else(|| {
        path.rmatch_indices('.').find_map(|(dot, _)| {
            let below = claims.get(&path[..dot])?.as_object()?;
            find(below, &path[dot + 1..])
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(claims: &Value, path: &str) -> Option<Value> {
        find(claims.as_object().expect("an object"), path).cloned()
    }

    #[test]
    fn a_claim_is_found_by_its_name_and_then_by_its_path() {
        let claims = json!({
            "realm_access": {"roles": ["admin"], "a.b": {"c": 1}},
            "resource.access": "by name",
            "resource": {"access": "by path", "other": "below"},
            "https://example.com/role": "a URL",
            "https://example.com/claims": {"role": "below a URL"},
            "list": [{"role": "in a list"}],
        });
        for (path, value) in [
            ("realm_access.roles", json!(["admin"])),
            ("realm_access.a.b.c", json!(1)),
            ("resource.access", json!("by name")),
            ("resource.other", json!("below")),
            ("https://example.com/role", json!("a URL")),
            ("https://example.com/claims.role", json!("below a URL")),
        ] {
            assert_eq!(found(&claims, path), Some(value), "{path}");
        }
        for path in [
            "",
            ".",
            "realm_access.",
            ".roles",
            "roles",
            "realm_access..roles",
            "list.role",
            "list.0",
            "resource.access.x",
            "Realm_access.roles",
        ] {
            assert_eq!(found(&claims, path), None, "{path}");
        }
    }
}
