//! The pipes of a plugin, seen from the host: what is fed into its stdin, what is kept of its output.

use std::io;
use std::os::fd::OwnedFd;

use super::spawn::{Failure, Stdin, Stdio, Step};
use super::sys;

/// What the buffer of a pipe holds, unless the user has very many of them.
pub(super) const PIPE_BYTES: usize = 64 << 10;

/// How many times a readable pipe is read before everything else gets its turn.
const READS_AT_ONCE: usize = 16;

/// The host's ends of the three pipes.
pub(super) struct Pipes<'a> {
    pub(super) stdin: Feed<'a>,
    pub(super) stdout: Capture<Head>,
    pub(super) stderr: Capture<Tail>,
}

/// Makes the pipes of one start.
///
/// Stdin is fed from here only when it must be; see [`Stdin::Whole`].
pub(super) fn make(input: &[u8], fed: bool, max_output: usize) -> Result<(Pipes<'_>, Stdio<'_>), Failure> {
    let (stdin, feed) = if fed {
        let (plugins, ours) = sys::pipe().map_err(Failure::at(Step::StdinPipe))?;
        sys::set_nonblocking(&ours).map_err(Failure::at(Step::StdinPipe))?;
        (Stdin::Pipe(plugins), Feed { pipe: Some(ours), rest: input })
    } else {
        (Stdin::Whole(input), Feed { pipe: None, rest: &[] })
    };
    let output = |step| {
        let (ours, plugins) = sys::pipe().map_err(Failure::at(step))?;
        sys::set_nonblocking(&ours).map_err(Failure::at(step))?;
        Ok((ours, plugins))
    };
    let (our_stdout, stdout) = output(Step::StdoutPipe)?;
    let (our_stderr, stderr) = output(Step::StderrPipe)?;
    let pipes = Pipes {
        stdin: feed,
        stdout: Capture {
            pipe: Some(our_stdout),
            kept: Head { bytes: Vec::new(), max: max_output, over: false },
        },
        stderr: Capture { pipe: Some(our_stderr), kept: Tail { bytes: Vec::new(), max: max_output } },
    };
    Ok((pipes, Stdio { stdin, stdout, stderr }))
}

/// The end of stdin that the host writes to.
pub(super) struct Feed<'a> {
    pipe: Option<OwnedFd>,
    rest: &'a [u8],
}

impl Feed<'_> {
    pub(super) fn pipe(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref()
    }

    /// Writes what the pipe takes; closes it at the end, or when nobody reads it.
    pub(super) fn push(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        match sys::write_without_sigpipe(pipe, self.rest) {
            Ok(count) => self.rest = self.rest.get(count..).unwrap_or(&[]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            // A plugin need not read its stdin.
            Err(_) => self.rest = &[],
        }
        if self.rest.is_empty() {
            self.close();
        }
    }

    pub(super) fn close(&mut self) {
        self.pipe = None;
    }
}

/// An end of stdout or stderr that the host reads from.
pub(super) struct Capture<K> {
    pipe: Option<OwnedFd>,
    pub(super) kept: K,
}

impl<K: Keep> Capture<K> {
    /// The end, until nobody writes to it any more.
    pub(super) fn pipe(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref()
    }

    /// Reads what is there, within reason: a plugin that writes for ever must not keep the host here.
    ///
    /// `to_end` says that nobody writes any more, and `poll` would not tell of what is left behind. Without it, a read
    /// that did not fill its buffer is the last, which saves the one that would find nothing. (It need not have
    /// taken all: a plugin may have made its end one of packets, of which each read takes one.)
    pub(super) fn pull(&mut self, to_end: bool) {
        for _ in 0..READS_AT_ONCE {
            let Some(pipe) = &self.pipe else { return };
            let most = self.kept.room();
            match self.kept.read(pipe, most) {
                Ok(0) => self.pipe = None,
                Ok(count) if count < most && !to_end => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }
}

/// What is kept of a stream that may have no end.
pub(super) trait Keep {
    /// How much to read at once.
    fn room(&self) -> usize;

    /// Reads once, at most that many bytes; 0 is the end of the stream.
    fn read(&mut self, pipe: &OwnedFd, most: usize) -> io::Result<usize>;
}

/// How much to read at once: most plugins write little.
fn chunk(kept: &Vec<u8>) -> usize {
    match kept.capacity() - kept.len() {
        0 if kept.capacity() == 0 => sys::FIRST_READ_BYTES,
        room @ 1024.. => room,
        _ => PIPE_BYTES,
    }
}

/// The first `max` bytes: stdout, where a text without its beginning means nothing.
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    max: usize,
    /// Whether there was more.
    pub(super) over: bool,
}

impl Keep for Head {
    fn room(&self) -> usize {
        chunk(&self.bytes)
    }

    fn read(&mut self, pipe: &OwnedFd, most: usize) -> io::Result<usize> {
        let count = sys::read_onto(pipe, &mut self.bytes, most)?;
        if self.bytes.len() > self.max {
            self.bytes.truncate(self.max);
            self.over = true;
        }
        Ok(count)
    }
}

/// The last `max` bytes: stderr, where the end tells why a plugin failed.
pub(super) struct Tail {
    /// The last bytes, up to twice `max` and one read of them, so that they are rarely moved.
    bytes: Vec<u8>,
    max: usize,
}

impl Tail {
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.forget();
        self.bytes
    }

    /// Drops all but the last `max` bytes.
    fn forget(&mut self) {
        let excess = self.bytes.len().saturating_sub(self.max);
        self.bytes.drain(..excess);
    }
}

impl Keep for Tail {
    fn room(&self) -> usize {
        chunk(&self.bytes)
    }

    fn read(&mut self, pipe: &OwnedFd, most: usize) -> io::Result<usize> {
        let count = sys::read_onto(pipe, &mut self.bytes, most)?;
        if self.bytes.len() > self.max.saturating_mul(2) {
            self.forget();
        }
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// What is kept of a stream written in these portions.
    fn kept<K: Keep>(mut keep: K, portions: &[&[u8]]) -> K {
        for portion in portions {
            let (reader, mut writer) = std::io::pipe().unwrap();
            writer.write_all(portion).unwrap();
            drop(writer);
            let reader = OwnedFd::from(reader);
            while keep.read(&reader, 4096).unwrap() > 0 {}
        }
        keep
    }

    #[test]
    fn stdout_keeps_its_beginning_and_stderr_its_end() {
        let text: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        for max in [0, 1, 7, 4095, 4096, 4097, 19_999, 20_000, 30_000] {
            for size in [1000, 4096, 9999, 20_000] {
                let portions: Vec<&[u8]> = text.chunks(size).collect();
                let head = kept(Head { bytes: Vec::new(), max, over: false }, &portions);
                let length = text.len().min(max);
                assert_eq!(head.bytes, text[..length], "the first {max}, {size} at a time");
                assert_eq!(head.over, max < text.len());
                let tail = kept(Tail { bytes: Vec::new(), max }, &portions);
                assert_eq!(
                    tail.into_bytes(),
                    text[text.len() - length..],
                    "the last {max}, {size} at a time"
                );
            }
        }
    }
}
