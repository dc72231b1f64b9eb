//! A tap on the line to DynamoDB: counts the round trips, and loses the answer of one of them. It passes the bytes on as they
//! are and reads of them only what it needs, since every operation of every test goes through it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longer than the store waits for one attempt.
const LOST: Duration = Duration::from_millis(1500);

/// What passes, and what gets lost.
#[derive(Clone, Default)]
pub(super) struct Tap(Arc<Mutex<Passed>>);

#[derive(Default)]
struct Passed {
    calls: Vec<String>,
    lose: Option<usize>,
}

impl Tap {
    /// Listens before the database.
    pub(super) fn start(listener: TcpListener, database: SocketAddr) -> Self {
        let tap = Self::default();
        let line = tap.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let tap = line.clone();
                // A line ends when either side hangs up.
                tokio::spawn(async move { tap.pass(client, database).await });
            }
        });
        tap
    }

    fn state(&self) -> MutexGuard<'_, Passed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operations since the last time this was asked, `GetItem` and so on.
    pub(super) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Loses the answer of the `index`-th operation from now; its effect happens.
    pub(super) fn lose(&self, index: usize) {
        let mut state = self.state();
        state.calls.clear();
        state.lose = Some(index);
    }

    /// Notes an operation; whether its answer gets lost.
    fn note(&self, operation: String) -> bool {
        let mut state = self.state();
        let lost = state.lose == Some(state.calls.len());
        state.calls.push(operation);
        if lost {
            state.lose = None;
        }
        lost
    }

    async fn pass(&self, client: TcpStream, database: SocketAddr) -> io::Result<()> {
        let (mut client, mut database) = (Side::new(client)?, Side::new(TcpStream::connect(database).await?)?);
        while let Some(request) = client.message().await? {
            let target = header(&request.head, "x-amz-target").unwrap_or_default();
            let lost = self.note(target.rsplit('.').next().unwrap_or_default().to_owned());
            database.send(&request).await?;
            let Some(answer) = database.message().await? else { break };
            if lost {
                tokio::time::sleep(LOST).await;
            }
            client.send(&answer).await?;
        }
        Ok(())
    }
}

/// A request or an answer: all that comes before the body, and the body.
struct Message {
    head: String,
    body: Vec<u8>,
}

/// One end of the line.
struct Side {
    stream: TcpStream,
    /// What was read beyond the last message.
    rest: Vec<u8>,
}

impl Side {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, rest: Vec::with_capacity(16 * 1024) })
    }

    /// The next message; nothing if the other side has hung up.
    async fn message(&mut self) -> io::Result<Option<Message>> {
        const END: &[u8] = b"\r\n\r\n";
        let head = loop {
            if let Some(at) = self.rest.windows(END.len()).position(|window| window == END) {
                break at + END.len();
            }
            if self.stream.read_buf(&mut self.rest).await? == 0 {
                return Ok(None);
            }
        };
        let mut body = self.rest.split_off(head);
        let head = String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned();
        // The SDK and the emulator say how long a body is, always.
        let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while body.len() < length {
            if self.stream.read_buf(&mut body).await? == 0 {
                return Ok(None);
            }
        }
        self.rest = body.split_off(length);
        Ok(Some(Message { head, body }))
    }

    async fn send(&mut self, message: &Message) -> io::Result<()> {
        self.stream.write_all(&[message.head.as_bytes(), &message.body].concat()).await
    }
}

/// A header's value.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}
