use std::ffi::OsString;

use super::*;

fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let vars: Vec<(String, OsString)> = vars
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
        .collect();
    Config::read(&Env(&move |name| {
        vars.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }))
}

#[test]
fn nothing_set_is_whatsapp_itself_and_api_keys_alone() {
    let config = read(&[("WHATSAPP_URL", ""), ("JWT_ISSUER", "")]).expect("defaults");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert!(matches!(config.network, Network::WhatsApp));
    assert!(config.jwt.is_none());
    assert!(!config.accept_phone_numbers);
    assert_eq!(config.whatsapp_timeout, Duration::from_secs(20));
}

#[test]
fn all_set() {
    let key = "0aFF".repeat(16);
    let config = read(&[
        ("GATEWAY_ACCEPT_PHONE_NUMBERS", "true"),
        ("GATEWAY_HEALTH_LISTEN", "[::]:8081"),
        ("GATEWAY_TLS_CERTIFICATE_FILE", "certificate.pem"),
        ("GATEWAY_TLS_KEY_FILE", "key.pem"),
        ("GATEWAY_TRUSTED_PROXIES", "127.0.0.1, fd00::/8"),
        (
            "GATEWAY_CORS_ORIGINS",
            "https://app.example.com,http://localhost:3000",
        ),
        ("GATEWAY_MAX_UNREAD_MIB_PER_ORGANIZATION", "2"),
        ("WHATSAPP_URL", "ws://127.0.0.1:1/ws"),
        ("WHATSAPP_SERVER_KEY", &key),
        ("WHATSAPP_TIMEOUT_SECONDS", "59"),
        ("JWKS_URL", "http://[::1]:2/jwks"),
        ("JWT_ISSUER", "https://login.example.com"),
        ("JWT_AUDIENCE", "gateway"),
        ("JWT_AUDIENCE_CLAIM", "client_id"),
        ("JWT_ROLE_CLAIM", "https://example.com/role"),
        ("JWKS_COOLDOWN_SECONDS", "5"),
    ])
    .expect("a configuration");
    let Network::Standin { server_key, .. } = config.network else {
        panic!("a stand-in");
    };
    assert_eq!(server_key[..2], [0x0a, 0xff]);
    assert!(config.accept_phone_numbers);
    assert_eq!(config.health_listen.map(|at| at.port()), Some(8081));
    let tls = config.tls.expect("a certificate");
    assert_eq!(tls.key.as_os_str(), "key.pem");
    let trusted = config.trusted_proxies.iter().map(ToString::to_string);
    assert_eq!(trusted.collect::<Vec<_>>(), ["127.0.0.1/32", "fd00::/8"]);
    assert_eq!(config.cors_origins[1], "http://localhost:3000");
    assert_eq!(config.limits.max_unread_per_organization, 2 << 20);
    assert_eq!(config.whatsapp_timeout, Duration::from_secs(59));
    let jwt = config.jwt.expect("login tokens");
    assert!(jwt.on_loopback());
    assert_eq!(jwt.audience_claim, "client_id");
    assert_eq!(jwt.user_claim, "sub");
    assert_eq!(jwt.role_claim, "https://example.com/role");
    assert_eq!(jwt.cooldown, Duration::from_secs(5));
}

#[test]
fn a_bad_setting_is_named_with_its_fix() {
    let key = "00".repeat(32);
    for (vars, name) in [
        (vec![("GATEWAY_LISTEN", "8080")], "GATEWAY_LISTEN"),
        (vec![("GATEWAY_MAX_REQUESTS", "0")], "GATEWAY_MAX_REQUESTS"),
        (
            vec![("GATEWAY_MAX_SESSIONS_PER_ORGANIZATION", "0")],
            "GATEWAY_MAX_SESSIONS_PER_ORGANIZATION",
        ),
        (
            vec![("GATEWAY_TLS_KEY_FILE", "key.pem")],
            "GATEWAY_TLS_CERTIFICATE_FILE",
        ),
        (
            vec![("GATEWAY_TLS_CERTIFICATE_FILE", "certificate.pem")],
            "GATEWAY_TLS_KEY_FILE",
        ),
        (
            vec![("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8,proxy")],
            "GATEWAY_TRUSTED_PROXIES",
        ),
        (vec![("GATEWAY_CORS_ORIGINS", "*")], "GATEWAY_CORS_ORIGINS"),
        (
            vec![("GATEWAY_CORS_ORIGINS", "https://app.example.com/")],
            "GATEWAY_CORS_ORIGINS",
        ),
        (
            vec![("GATEWAY_CORS_ORIGINS", "app.example.com")],
            "GATEWAY_CORS_ORIGINS",
        ),
        (
            vec![("GATEWAY_MAX_API_KEYS_PER_ORGANIZATION", "0")],
            "GATEWAY_MAX_API_KEYS_PER_ORGANIZATION",
        ),
        (vec![("GATEWAY_ACTIONS_DAYS", "0")], "GATEWAY_ACTIONS_DAYS"),
        (
            vec![("GATEWAY_ACCEPT_PHONE_NUMBERS", "yes")],
            "GATEWAY_ACCEPT_PHONE_NUMBERS",
        ),
        (
            vec![("GATEWAY_REQUEST_TIMEOUT_SECONDS", "-1")],
            "GATEWAY_REQUEST_TIMEOUT_SECONDS",
        ),
        (vec![("WHATSAPP_URL", "ws://h/")], "WHATSAPP_SERVER_KEY"),
        (vec![("WHATSAPP_SERVER_KEY", key.as_str())], "WHATSAPP_URL"),
        (
            vec![("WHATSAPP_URL", "http://h/"), ("WHATSAPP_SERVER_KEY", &key)],
            "WHATSAPP_URL",
        ),
        (
            vec![("WHATSAPP_URL", "ws://h/"), ("WHATSAPP_SERVER_KEY", "+f")],
            "WHATSAPP_SERVER_KEY",
        ),
        (
            vec![("WHATSAPP_TIMEOUT_SECONDS", "0")],
            "WHATSAPP_TIMEOUT_SECONDS",
        ),
        // No answer could come in time, with the defaults of either too.
        (
            vec![("WHATSAPP_TIMEOUT_SECONDS", "60")],
            "WHATSAPP_TIMEOUT_SECONDS",
        ),
        (
            vec![("GATEWAY_REQUEST_TIMEOUT_SECONDS", "20")],
            "WHATSAPP_TIMEOUT_SECONDS",
        ),
        (vec![("JWKS_URL", "https://h/")], "JWT_ISSUER"),
        (vec![("JWT_ISSUER", "i"), ("JWT_AUDIENCE", "a")], "JWKS_URL"),
        (
            vec![("JWKS_URL", "https://h/"), ("JWT_ISSUER", "i")],
            "JWT_AUDIENCE",
        ),
        (
            vec![
                ("JWKS_URL", "http://login.example.com/"),
                ("JWT_ISSUER", "i"),
                ("JWT_AUDIENCE", "a"),
            ],
            "JWKS_URL",
        ),
    ] {
        let error = read(&vars).expect_err(name).to_string();
        assert!(error.starts_with(&format!("{name}: must be ")), "{error}");
        assert!(!error.contains('\n') && !error.contains(&key), "{error}");
    }
}

#[test]
fn proxies_are_read_as_curl_reads_them() {
    let config = read(&[
        ("HTTPS_PROXY", "http://upper:1"),
        ("https_proxy", "http://lower:2"),
        ("http_proxy", ""),
        ("ALL_PROXY", "socks5h://all"),
        ("NO_PROXY", "a.example"),
    ])
    .expect("a configuration");
    let Proxies { http, https, none } = config.proxies;
    assert_eq!(format!("{https:?}"), "Some(http://lower:2)");
    assert_eq!(format!("{http:?}"), "Some(socks5h://all:1080)");
    assert_eq!(none, "a.example");
    for name in ["HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
        let error = read(&[(name, "https://u:hunter2@h:1")]).expect_err(name);
        let error = error.to_string();
        assert!(error.starts_with(&format!("{name}: must be ")), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

/// A file with this content and these permissions.
#[cfg(unix)]
fn file(dir: &tempfile::TempDir, content: &str, mode: u32) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.path().join("key");
    // Its owner may not be allowed to write to the last one.
    let _ = std::fs::remove_file(&path);
    std::fs::write(&path, content).expect("written");
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&path, mode).expect("permitted");
    path.to_str().expect("UTF-8").to_owned()
}

#[cfg(unix)]
#[test]
fn a_key_is_read_from_a_file_of_its_owner_alone() {
    const NAME: &str = "GATEWAY_ENCRYPTION_KEY_FILE";
    let dir = tempfile::tempdir().expect("a directory");
    let known = EncryptionKey::new(&[0xab; 32]);
    let hex = "aB".repeat(32);
    let base64 = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=";
    for content in [hex.as_str(), base64, &format!(" {base64}\r\n")] {
        for mode in [0o600, 0o400] {
            let config = read(&[(NAME, &file(&dir, content, mode))]).expect("a key");
            let key = config.encryption_key.expect("a key");
            assert_eq!(key.id(), known.id());
        }
    }
    assert!(read(&[]).expect("defaults").encryption_key.is_none());

    let directory = dir.path().to_str().expect("UTF-8").to_owned();
    use std::os::unix::fs::MetadataExt as _;
    let by_root = dir.path().metadata().expect("a directory").uid() == 0;
    let group = file(&dir, base64, 0o440);
    assert_eq!(read(&[(NAME, &group)]).is_ok(), by_root);
    for mode in [0o604, 0o602, 0o620] {
        let error = read(&[(NAME, &file(&dir, base64, mode))]);
        let error = error.expect_err("open to others").to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
    for (path, says) in [
        (format!("{directory}/none"), "can be read"),
        (directory, "must be"),
    ] {
        let error = read(&[(NAME, &path)]).expect_err(says).to_string();
        assert!(error.starts_with(&format!("{NAME}: must be ")), "{error}");
        assert!(error.contains(says), "{error}");
    }
    let long = base64.repeat(100);
    for content in ["", "secret", &base64[1..], &hex[2..], &long] {
        let error = read(&[(NAME, &file(&dir, content, 0o600))]);
        let error = error.expect_err("no key").to_string();
        assert!(error.contains("openssl rand -base64 32"), "{error}");
        assert!(content.is_empty() || !error.contains(content), "{error}");
    }
}
