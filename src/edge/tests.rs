use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::*;
use crate::http_client;
use crate::outbound::Proxies;

/// Serves a router behind the edge on a free port; the URL of it.
async fn serve(router: Router, limits: Limits) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = Server::new(limits, Vec::new());
    let router = wrap(router, limits, &[]);
    tokio::spawn(async move {
        let (_never, stopping) = watch::channel(None);
        server.serve(listener, None, router, stopping).await;
    });
    url
}

async fn call(url: String, id: Option<&str>) -> (StatusCode, String, Value) {
    let client = http_client::builder(&Proxies::default())
        .and_then(reqwest::ClientBuilder::build)
        .expect("a client");
    let mut request = client.get(url);
    if let Some(id) = id {
        request = request.header(REQUEST_ID, id);
    }
    let response = request.send().await.expect("an answer");
    let id = response.headers()[REQUEST_ID]
        .to_str()
        .expect("an id")
        .to_owned();
    let status = response.status();
    (status, id, response.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_kept_when_it_is_sane_and_made_when_not() {
    let url = serve(
        Router::new().route("/", get(|| async {})),
        Limits::default(),
    )
    .await;
    for sane in ["abc-1_2.3", &"x".repeat(64)] {
        assert_eq!(call(url.clone(), Some(sane)).await.1, sane);
    }
    for odd in [
        None,
        Some(""),
        Some("a b"),
        Some("a\"b"),
        Some(&*"x".repeat(65)),
    ] {
        assert_eq!(call(url.clone(), odd).await.1.len(), 26, "{odd:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_and_a_late_answer_are_errors_like_all_others() {
    async fn panics() -> Body {
        panic!("on purpose")
    }
    let router = Router::new()
        .route("/panics", get(panics))
        .route("/hangs", get(std::future::pending::<()>))
        .fallback(|| async { Error::not_found("route") });
    let limits = Limits {
        request_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let url = serve(router, limits).await;
    for (path, status, code) in [
        ("/panics", 500, "internal"),
        ("/hangs", 503, "unavailable"),
        ("/nowhere", 404, "not_found"),
    ] {
        let (got, id, body) = call(format!("{url}{path}"), None).await;
        assert_eq!(
            (got.as_u16(), body["error"]["code"].as_str()),
            (status, Some(code))
        );
        assert_eq!(id.len(), 26);
        assert!(!body.to_string().contains("purpose"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_allowed_are_refused_to_whose_they_are() {
    let entered = Arc::new(tokio::sync::Notify::new());
    let leave = Arc::new(tokio::sync::Semaphore::new(0));
    let (inside, door) = (Arc::clone(&entered), Arc::clone(&leave));
    // As an authenticated handler: the organization is known, then something takes long.
    let stays = get(
        move |Path(organization): Path<String>, request: Request| async move {
            let exchange = Exchange::of(request.extensions())?;
            exchange.admit(&organization)?;
            if organization != "quick" {
                inside.notify_one();
                let _ = door.acquire().await;
            }
            Ok::<_, Error>(())
        },
    );
    let limits = Limits {
        max_requests: 2,
        max_requests_per_organization: 1,
        ..Limits::default()
    };
    let url = serve(Router::new().route("/{organization}", stays), limits).await;
    let call = async |organization: &str| call(format!("{url}/{organization}"), None).await;
    let stay = |organization: &str| {
        let url = format!("{url}/{organization}");
        tokio::spawn(self::call(url, None))
    };
    let first = stay("a");
    entered.notified().await;
    let (status, _, body) = call("a").await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        body["error"]["details"]["budget"],
        "requestsPerOrganization"
    );
    assert_eq!(call("quick").await.0, StatusCode::OK);

    let second = stay("b");
    entered.notified().await;
    assert_eq!(call("quick").await.0, StatusCode::SERVICE_UNAVAILABLE);
    leave.add_permits(2);
    assert_eq!(first.await.expect("answered").0, StatusCode::OK);
    assert_eq!(second.await.expect("answered").0, StatusCode::OK);
    assert_eq!(call("quick").await.0, StatusCode::OK, "all came back");
}
