//! The accept loop: plain TCP and HTTP/1.1, owned here because some faults happen below HTTP.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request as Wire, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::answer::{Answer, Payload, ServedOutcome};
use crate::request::{MAX_BODY, Request, Unreadable};
use crate::simulator::Simulator;

/// How long a caller who gets no answer is kept waiting before the connection closes.
const SILENCE: Duration = Duration::from_mins(1);

/// Serves connections until the runtime ends.
pub(crate) async fn accept(listener: TcpListener, simulator: Arc<Simulator>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&simulator)));
            }
            // Out of file descriptors, most likely: those in use will be given back.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(stream: TcpStream, simulator: Arc<Simulator>) {
    // Without it the drips of a slow answer would be collected into a few packets.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket { stream, reset: Arc::clone(&reset) };
    let service = service_fn(move |wire| serve(wire, Arc::clone(&simulator), Arc::clone(&reset)));
    // An error here is either the caller's broken HTTP or a connection cut on purpose; dropping it is the answer.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

async fn serve(wire: Wire<Incoming>, simulator: Arc<Simulator>, reset: Arc<AtomicBool>) -> Result<Response<Payload>, Cut> {
    let outcome = match Request::read(wire).await {
        Ok(request) => simulator.serve(request).await,
        Err(Unreadable::TooLarge) => ServedOutcome::Answer(Answer::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("bodies over {MAX_BODY} bytes are refused"),
        )),
        Err(Unreadable::Gone) => return Err(Cut),
    };
    match outcome {
        ServedOutcome::Answer(answer) => Ok(answer.into_response(false)),
        ServedOutcome::Drip(answer) => Ok(answer.into_response(true)),
        ServedOutcome::Late(answer, after) => {
            sleep(after).await;
            Ok(answer.into_response(false))
        }
        ServedOutcome::Silence => {
            sleep(SILENCE).await;
            Err(Cut)
        }
        ServedOutcome::Reset => {
            reset.store(true, Ordering::SeqCst);
            Err(Cut)
        }
    }
}

/// Makes hyper drop the connection without writing a byte.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// A TCP stream that is reset rather than closed when it is dropped with the flag set.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
            // With no time to linger, close sends RST instead of FIN.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
