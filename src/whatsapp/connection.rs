//! [`Connection`] over the library's client.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use whatsapp_rust::wacore::iq::groups::{
    GroupInfoOutcome, GroupQueryIq, SetGroupDescriptionIq, SetGroupSubjectIq,
};
use whatsapp_rust::waproto::buffa::MessageField;
use whatsapp_rust::waproto::whatsapp::Message;
use whatsapp_rust::waproto::whatsapp::message::GroupInviteMessage;
use whatsapp_rust::{
    Client as Library, ErrorChainExt, GroupDescription, GroupSubject, IqError, Jid,
    JoinGroupResult, MemberAddMode, MembershipApprovalMode, SendOptions,
};

use super::acks::Acks;
use super::group_iq::{
    AllGroups, Created, InvitedGroup, JoinRequests, NewGroup, OneGroup, Read, Texts,
};
use super::redact::{describe, redact};
use super::{CallError, Connection, translate};
use crate::group::{
    Action, AddRequest, Answer, GroupAction, GroupInfo, JoinRequest, Setting, Told,
};
use crate::jid::{GroupJid, PersonJid, SessionId, UserJid};
use crate::store;

/// Logged in, and the socket is up. The library calls itself connected before the login too.
pub(super) fn is_usable(client: &Library) -> bool {
    client.is_connected() && client.is_logged_in()
}

/// Waits at most `limit` for a call that needs a login.
///
/// The library says "not connected" also when the connection drops while the answer is awaited, so whether anything was
/// sent is decided here, before.
pub(super) async fn call<T, E: StdError + 'static>(
    client: &Library,
    limit: Duration,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, CallError> {
    if !is_usable(client) {
        return Err(CallError::NotConnected);
    }
    match timeout(limit, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(call_error(&error)),
        Err(_) => Err(CallError::Unanswered),
    }
}

/// What a failure of the library means, once something may have been sent.
pub(super) fn call_error<E: StdError + 'static>(error: &E) -> CallError {
    if let Some(refusal) = error.server_rejection() {
        return CallError::Refused {
            code: refusal.code,
            backoff: refusal.backoff.map(|s| Duration::from_secs(s.into())),
        };
    }
    let socket = error.sources().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(IqError::Socket(_) | IqError::EncryptSend(_))
        )
    });
    if let Some(IqError::ParseError(unreadable)) =
        error.sources().find_map(|cause| cause.downcast_ref())
    {
        return CallError::Unreadable(redact(&format!("{unreadable:#}")).into());
    }
    if socket || error.is_timeout() || error.is_transport_unavailable() {
        return CallError::Unanswered;
    }
    CallError::Other(describe(error).into())
}

/// The calls of a client that go to WhatsApp.
pub(super) struct LibraryConnection {
    client: Arc<Library>,
    session: SessionId,
    limit: Duration,
    acks: Arc<Acks>,
}

impl LibraryConnection {
    /// Each call may take `limit`.
    pub(super) fn new(
        client: Arc<Library>,
        session: SessionId,
        limit: Duration,
        acks: Arc<Acks>,
    ) -> Self {
        Self {
            client,
            session,
            limit,
            acks,
        }
    }

    /// What was read, with one line in the log where something was left out.
    fn told<T>(&self, read: Read<T>) -> T {
        if read.odd > 0 {
            tracing::warn!(session = %self.session, odd = read.odd, "left out groups or members that cannot be read");
        }
        read.value
    }

    /// Makes a group. A name with an `@` in it can't be written where it stands in a query (see [`Texts`]): it is set
    /// afterwards.
    async fn create(&self, subject: &str, people: Vec<Jid>) -> Result<Created, CallError> {
        let plain = subject.replace('@', " ");
        let plain = if plain.trim().is_empty() { "-" } else { &plain };
        let create = NewGroup::new(plain, people);
        let created = self.call(self.client.execute(create)).await?;
        let mut created = self.told(created);
        if plain != subject {
            let jid = library_jid(&created.group.gid)?;
            let set = self.set(jid, &Setting::Subject(subject.to_owned())).await;
            match set {
                Ok(()) => created.group.subject = Some(subject.to_owned()),
                // The group is there, which is what the caller has to know, with the name that it shows.
                Err(error) => {
                    tracing::warn!(session = %self.session, %error, "a new group has not got its name");
                }
            }
        }
        Ok(created)
    }

    /// Changes one setting of a group.
    async fn set(&self, jid: Jid, setting: &Setting) -> Result<(), CallError> {
        let groups = self.client.groups();
        let unfit = |_| CallError::Other("a text that the library does not take".into());
        match setting {
            Setting::Subject(text) => {
                let subject = GroupSubject::new(text).map_err(unfit)?;
                let set = Texts(SetGroupSubjectIq::new(&jid, subject));
                self.call(self.client.execute(set)).await
            }
            Setting::Description(text) => {
                let text = text.as_ref().map(GroupDescription::new).transpose();
                let text = text.map_err(unfit)?;
                // It has to say which one it replaces.
                let group = self.client.execute(GroupQueryIq::new(&jid));
                let before = match self.call(group).await? {
                    GroupInfoOutcome::Full(group) => group.description_id,
                    GroupInfoOutcome::NotModified => None,
                };
                let set = Texts(SetGroupDescriptionIq::new(&jid, text, before.as_deref()));
                self.call(self.client.execute(set)).await
            }
            Setting::Announce(on) => self.call(groups.set_announce(jid, *on)).await,
            Setting::Locked(on) => self.call(groups.set_locked(jid, *on)).await,
            Setting::MembersAdd(on) => {
                let mode = if *on {
                    MemberAddMode::AllMemberAdd
                } else {
                    MemberAddMode::AdminAdd
                };
                self.call(groups.set_member_add_mode(jid, mode)).await
            }
            Setting::Approval(on) => {
                let mode = if *on {
                    MembershipApprovalMode::On
                } else {
                    MembershipApprovalMode::Off
                };
                self.call(groups.set_membership_approval(jid, mode)).await
            }
        }
    }

    async fn call<T, E: StdError + 'static>(
        &self,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError> {
        call(&self.client, self.limit, asked).await
    }
}

fn library_jid(gid: &GroupJid) -> Result<Jid, CallError> {
    gid.as_str()
        .parse()
        .map_err(|_| CallError::Other("a group JID that the library does not know".into()))
}

fn group_jid(jid: &Jid) -> Result<GroupJid, CallError> {
    translate::group(jid).ok_or_else(|| CallError::Unreadable("no group's JID".into()))
}

fn library_person(person: &PersonJid) -> Jid {
    match person {
        PersonJid::User(user) => Jid::pn(user.phone_number()),
        PersonJid::Lid(lid) => Jid::lid(lid.digits()),
    }
}

#[async_trait]
impl Connection for LibraryConnection {
    async fn groups(&self) -> Result<Vec<GroupInfo>, CallError> {
        let groups = self.call(self.client.execute(AllGroups)).await?;
        Ok(self.told(groups))
    }

    async fn group(&self, gid: &GroupJid) -> Result<GroupInfo, CallError> {
        let jid = library_jid(gid)?;
        let group = self.call(self.client.execute(OneGroup(jid))).await?;
        Ok(self.told(group))
    }

    async fn act(&self, action: &Action) -> Result<Told, CallError> {
        let asked = action.people();
        let people: Vec<_> = asked.iter().map(library_person).collect();
        let groups = self.client.groups();
        let mut answer = Answer::Done;
        let answers = match action {
            Action::Create { subject, .. } => {
                let created = self.create(subject, people).await?;
                answer = Answer::Created(Box::new(created.group));
                created.people
            }
            Action::Join(code) => {
                let joined = self.call(groups.join_with_invite_code(code)).await;
                answer = match joined {
                    Ok(JoinGroupResult::Joined(jid)) => Answer::Joined(group_jid(&jid)?),
                    Ok(JoinGroupResult::PendingApproval(jid)) => Answer::Waits(group_jid(&jid)?),
                    // A member already, of which group the refusal does not say. Source: wacore, `GroupJoinError`.
                    Err(CallError::Refused { code: 304, .. }) => {
                        let invited = self.client.execute(InvitedGroup(code.clone()));
                        Answer::Joined(self.told(self.call(invited).await?).gid)
                    }
                    Err(error) => return Err(error),
                };
                Vec::new()
            }
            Action::InGroup(gid, action) => {
                let jid = library_jid(gid)?;
                match action {
                    GroupAction::Add(_) => self.call(groups.add_participants(jid, &people)).await?,
                    GroupAction::Remove(_) => {
                        self.call(groups.remove_participants(jid, &people)).await?
                    }
                    GroupAction::Promote(_) => {
                        self.call(groups.promote_participants(jid, &people)).await?
                    }
                    GroupAction::Demote(_) => {
                        self.call(groups.demote_participants(jid, &people)).await?
                    }
                    GroupAction::Approve(_) => {
                        let approve = groups.approve_membership_requests(jid, &people);
                        self.call(approve).await?
                    }
                    GroupAction::Reject(_) => {
                        let reject = groups.reject_membership_requests(jid, &people);
                        self.call(reject).await?
                    }
                    GroupAction::ResetInvite => {
                        answer =
                            Answer::Invite(self.call(groups.get_invite_link(jid, true)).await?);
                        Vec::new()
                    }
                    GroupAction::Leave => {
                        self.call(groups.leave(jid)).await?;
                        Vec::new()
                    }
                    GroupAction::Set(setting) => {
                        self.set(jid, setting).await?;
                        Vec::new()
                    }
                }
            }
        };
        Ok(Told {
            people: translate::outcomes(action.operation(), asked, &answers),
            answer,
        })
    }

    async fn invite_person(
        &self,
        gid: &GroupJid,
        name: &str,
        person: &PersonJid,
        request: &AddRequest,
    ) -> Result<(), CallError> {
        let invitation = GroupInviteMessage {
            group_jid: Some(gid.to_string()),
            invite_code: Some(request.code.clone()),
            invite_expiration: Some(request.expires),
            group_name: Some(name.to_owned()),
            ..GroupInviteMessage::default()
        };
        let message = Message {
            group_invite_message: MessageField::some(invitation),
            ..Message::default()
        };
        let id = self.client.generate_message_id();
        let answer = self.acks.of(&id);
        let options = SendOptions::default().with_message_id(id);
        let send = self
            .client
            .send_message_with_options(library_person(person), message, options);
        self.call(send).await?;
        match timeout(self.limit, answer).await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(code))) => Err(CallError::Refused {
                code,
                backoff: None,
            }),
            Ok(Err(_)) | Err(_) => Err(CallError::Unanswered),
        }
    }

    async fn invite(&self, gid: &GroupJid) -> Result<String, CallError> {
        let groups = self.client.groups();
        self.call(groups.get_invite_link(library_jid(gid)?, false))
            .await
    }

    async fn join_requests(&self, gid: &GroupJid) -> Result<Vec<JoinRequest>, CallError> {
        let requests = JoinRequests(library_jid(gid)?);
        let requests = self.call(self.client.execute(requests)).await?;
        Ok(self.told(requests))
    }

    async fn time_lock(&self) -> Result<Option<i64>, CallError> {
        let mex = self.client.mex();
        let lock = self.call(mex.fetch_reachout_timelock()).await?;
        Ok(translate::time_lock(&lock, store::now()))
    }

    async fn not_on_whatsapp(&self, users: &[UserJid]) -> Result<Vec<UserJid>, CallError> {
        let people: Vec<Jid> = users
            .iter()
            .map(|user| Jid::pn(user.phone_number()))
            .collect();
        let contacts = self.client.contacts();
        let answers = self.call(contacts.is_on_whatsapp(&people)).await?;
        // Numbers without an account come back as they were asked for; the others perhaps in another spelling.
        let missing: HashSet<UserJid> = answers
            .iter()
            .filter(|answer| !answer.is_registered && answer.contact_error.is_none())
            .filter_map(|answer| translate::user(&answer.jid))
            .collect();
        let missing = users.iter().filter(|user| missing.contains(*user));
        Ok(missing.cloned().collect())
    }
}
