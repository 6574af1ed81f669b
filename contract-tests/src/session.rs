//! What a caller does with a session, step by step, over REST.

use serde_json::{Value, json};
use whatsapp_standin::Standin;

use crate::client::{Answer, Call, Client};
use crate::wait::{eventually, within};

/// A session of the gateway, in the hands of a caller.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who calls.
    pub caller: Client,
    /// Its id.
    pub id: String,
}

impl Session {
    /// Creates a session; it is stopped.
    ///
    /// # Panics
    /// It is not created.
    pub async fn create(caller: &Client) -> Self {
        let session = caller
            .post("/sessions")
            .json(&json!({}))
            .send()
            .await
            .json(201);
        Self {
            caller: caller.clone(),
            id: session["id"].as_str().expect("an id").into(),
        }
    }

    /// The same session in the hands of another caller.
    #[must_use]
    pub fn by(&self, caller: &Client) -> Self {
        Self {
            caller: caller.clone(),
            id: self.id.clone(),
        }
    }

    /// A path below this session.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/sessions/{}{rest}", self.id)
    }

    /// What getSession says.
    pub async fn get(&self) -> Value {
        self.caller.get(self.path("")).send().await.json(200)
    }

    /// Posts to one of the session's verbs: start, stop, logout.
    pub async fn post(&self, verb: &str) -> Answer {
        self.caller
            .post(self.path(&format!("/{verb}")))
            .send()
            .await
    }

    /// Waits until the session has a status.
    pub async fn wait_status(&self, wanted: &str) -> Value {
        let mut last = String::new();
        let what = format!("the session is {wanted}");
        eventually(&what, async || {
            let session = self.get().await;
            session["status"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut last);
            (last == wanted).then_some(session)
        })
        .await
    }

    /// The code that pairs the session, as soon as there is one.
    pub async fn qr(&self) -> Value {
        eventually("a QR code", async || {
            let answer = self.caller.get(self.path("/qr")).send().await;
            if answer.status == 404 {
                assert_eq!(answer.error(404, "not_found")["resource"], "qr");
                return None;
            }
            Some(answer.json(200))
        })
        .await
    }

    /// Pairs the session with an account by QR and waits until it is connected.
    ///
    /// # Panics
    /// The phone refuses the code.
    pub async fn pair(&self, standin: &Standin, account: &str) {
        standin.add_account(account).expect("an account");
        let qr = self.qr().await;
        let code = qr["code"].as_str().expect("a code");
        within("the phone scans", standin.phone(account).scan(code))
            .await
            .expect("a linked device");
        self.wait_working(standin, account).await;
    }

    /// Waits until the account is logged in at WhatsApp and the session says so.
    pub async fn wait_working(&self, standin: &Standin, account: &str) -> Value {
        within("the session logs in", standin.wait_connected(account)).await;
        self.wait_status("working").await
    }

    /// An addGroupMembers that is not sent yet.
    #[must_use]
    pub fn add(&self, gid: &str, participants: &[&str]) -> Call {
        let jids: Vec<String> = participants
            .iter()
            .map(|phone| format!("{phone}@s.whatsapp.net"))
            .collect();
        self.add_json(gid, &json!({ "participants": jids }))
    }

    /// The same with any body.
    #[must_use]
    pub fn add_json(&self, gid: &str, body: &Value) -> Call {
        self.caller
            .post(self.path(&format!("/groups/{gid}/members")))
            .json(body)
    }

    /// Adds people and is told what became of each.
    ///
    /// # Panics
    /// WhatsApp does not take it.
    pub async fn add_told(&self, gid: &str, participants: &[&str]) -> Value {
        let add = self.add(gid, participants).told();
        add.send().await.json(200)
    }

    /// One action, as getAction gives it.
    ///
    /// # Panics
    /// There is no such action.
    pub async fn action(&self, id: &str) -> Value {
        let path = self.path(&format!("/actions/{id}"));
        self.caller.get(path).send().await.json(200)
    }

    /// All members of a group, as listGroupMembers gives them.
    ///
    /// # Panics
    /// There is no such group.
    pub async fn members(&self, gid: &str) -> Vec<Value> {
        self.pages(&format!("/groups/{gid}/members")).await
    }

    /// All groups, as listGroups gives them.
    pub async fn groups(&self) -> Vec<Value> {
        self.pages("/groups").await
    }

    async fn pages(&self, path: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut query = "?limit=1000".to_owned();
        loop {
            let mut page = self
                .caller
                .get(self.path(&format!("{path}{query}")))
                .send()
                .await
                .json(200);
            all.append(page["data"].as_array_mut().expect("a list"));
            match page["nextCursor"].as_str() {
                None => return all,
                Some(cursor) => query = format!("?limit=1000&cursor={cursor}"),
            }
        }
    }

    /// The role of a person in a group, by phone number, as the gateway knows it.
    pub async fn role(&self, gid: &str, phone: &str) -> Option<String> {
        let jid = format!("{phone}@s.whatsapp.net");
        let member = self
            .members(gid)
            .await
            .into_iter()
            .find(|member| member["jid"] == *jid)?;
        member["role"].as_str().map(str::to_owned)
    }
}
