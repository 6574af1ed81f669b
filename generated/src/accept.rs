//! Choosing the media type of a response.

use axum::http::{HeaderMap, header::ACCEPT};

/// What of `offered` the caller prefers by its `Accept` header; among equals, and where none suits, the first.
pub(crate) fn preferred<T: Copy>(headers: &HeaderMap, offered: &[(T, &str)]) -> T {
    let ranges: Vec<(&str, f32)> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(range)
        .collect();
    let mut best = (offered[0].0, 0.0);
    for (answer, media_type) in offered {
        let quality = quality(&ranges, media_type);
        if quality > best.1 {
            best = (*answer, quality);
        }
    }
    best.0
}

fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let quality = parts
        .find_map(|parameter| parameter.strip_prefix("q="))
        .map_or(Ok(1.0), str::parse);
    (range, quality.unwrap_or(0.0))
}

/// The quality that the most specific of the matching ranges gives.
fn quality(ranges: &[(&str, f32)], media_type: &str) -> f32 {
    let whole_kind = media_type
        .split('/')
        .next()
        .map(|kind| format!("{kind}/*"))
        .unwrap_or_default();
    [media_type, &whole_kind, "*/*"]
        .iter()
        .find_map(|wanted| {
            ranges
                .iter()
                .find(|(range, _)| range.eq_ignore_ascii_case(wanted))
        })
        .map_or(0.0, |(_, quality)| *quality)
}
