//! Reading QR codes as a phone does.

/// What a picture says.
pub fn read_picture(png: &[u8]) -> String {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let samples = frame.color_type.samples();
    scan(frame.width as usize, frame.height as usize, |x, y| {
        pixels[y * frame.line_size + x * samples]
    })
}

/// What a terminal says, as a phone sees one that writes light on dark: a drawn half is light.
pub fn read_terminal(text: &str) -> String {
    let rows: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let width = rows.iter().map(Vec::len).max().unwrap();
    // Pixels larger than a module, as a camera has them.
    let scale = 4;
    scan(width * scale, rows.len() * 2 * scale, |x, y| {
        let (column, half) = (x / scale, y / scale);
        let light = match rows[half / 2].get(column).copied().unwrap_or(' ') {
            '█' => true,
            '▀' => half % 2 == 0,
            '▄' => half % 2 == 1,
            _ => false,
        };
        if light { 255 } else { 0 }
    })
}

fn scan(width: usize, height: usize, pixel: impl FnMut(usize, usize) -> u8) -> String {
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, pixel);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code in the picture");
    grids[0].decode().expect("a readable code").1
}
