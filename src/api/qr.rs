//! Drawing a QR code: as a picture, and with block characters for a terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::{Color, EcLevel, QrCode};

use crate::error::Error;

/// Pixels of a module's side: about 500 for the whole of a WhatsApp code, which a phone reads from a screen at arm's length.
const SCALE: usize = 8;
/// Modules of white around the code: what the standard (ISO/IEC 18004) asks for.
const QUIET_ZONE: usize = 4;

/// A PNG picture, black on white.
///
/// # Errors
/// `code` is too long for a QR code, which WhatsApp's never are.
pub fn png(code: &str) -> Result<Vec<u8>, Error> {
    let qr = encode(code)?;
    let modules = qr.width();
    let colors = qr.to_colors();
    let side = (modules + 2 * QUIET_ZONE) * SCALE;
    let module = |pixel: usize| (pixel / SCALE).checked_sub(QUIET_ZONE);
    let dark = |x: usize, y: usize| match (module(x), module(y)) {
        (Some(x), Some(y)) if x < modules && y < modules => colors[y * modules + x] == Color::Dark,
        _ => false,
    };
    // One bit a pixel, rows padded to whole bytes, 1 is white.
    let mut rows = vec![0u8; side.div_ceil(8) * side];
    for (y, row) in rows.chunks_exact_mut(side.div_ceil(8)).enumerate() {
        for x in (0..side).filter(|x| !dark(*x, y)) {
            row[x / 8] |= 0x80 >> (x % 8);
        }
    }
    let side = u32::try_from(side).map_err(Error::internal)?;
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().map_err(Error::internal)?;
    writer.write_image_data(&rows).map_err(Error::internal)?;
    writer.finish().map_err(Error::internal)?;
    Ok(picture)
}

/// Text to show in a terminal, two modules a character.
///
/// The light modules are drawn and the dark ones left blank, because most terminals write light on dark, and a phone reads
/// dark on light best. On a terminal that writes dark on light the code comes out inverted; for that there is the picture.
///
/// # Errors
/// `code` is too long for a QR code, which WhatsApp's never are.
pub fn text(code: &str) -> Result<String, Error> {
    let mut text = encode(code)?
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    text.push('\n');
    Ok(text)
}

/// The least error correction makes the smallest code: a screen has no dirt on it.
fn encode(code: &str) -> Result<QrCode, Error> {
    QrCode::with_error_correction_level(code, EcLevel::L).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as WhatsApp's.
    fn code() -> String {
        format!("2@{}", "aZ09+/,=".repeat(30))
    }

    #[test]
    fn the_picture_shows_the_code() {
        let picture = png(&code()).expect("a picture");
        let mut reader = png::Decoder::new(std::io::Cursor::new(&picture))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a frame");
        let qr = QrCode::with_error_correction_level(code(), EcLevel::L).expect("a QR code");
        let side = (qr.width() + 2 * QUIET_ZONE) * SCALE;
        assert_eq!((info.width as usize, info.height as usize), (side, side));
        let white = |x: usize, y: usize| pixels[y * info.line_size + x / 8] >> (7 - x % 8) & 1 == 1;
        assert!(white(0, 0) && white(side - 1, side - 1), "a quiet zone");
        for y in 0..qr.width() {
            for x in 0..qr.width() {
                let center = |module: usize| (module + QUIET_ZONE) * SCALE + SCALE / 2;
                let dark = qr[(x, y)] == Color::Dark;
                assert_eq!(white(center(x), center(y)), !dark, "{x} {y}");
            }
        }
    }

    #[test]
    fn the_text_is_square_and_light_around() {
        let text = text(&code()).expect("a text");
        let lines: Vec<&str> = text.lines().collect();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert_eq!(lines.len(), width.div_ceil(2));
        assert!(
            lines[0].chars().all(|block| block == '█'),
            "light on a dark terminal"
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(png(&"x".repeat(5000)).is_err());
    }
}
