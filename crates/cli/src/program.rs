//! The program that `mem_top run` starts: how it is started, whether it has ended, and its exit status.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::exit;
use crate::failure::Failure;

/// Returns the command that runs `program` with `rest` as its arguments: a module if `module`, else a script or an
/// executable. `python` runs scripts and modules.
///
/// # Errors
/// If there is no such program.
pub(crate) fn command(
    program: &OsStr,
    rest: &[OsString],
    module: bool,
    python: &Path,
) -> Result<Command, Failure> {
    let with = |program: &Path, first: &[&OsStr]| {
        let mut command = Command::new(program);
        command.args(first).args(rest);
        command
    };
    Ok(match kind(program, module, std::env::var_os("PATH").as_deref())? {
        ProgramKind::Module => with(python, &[OsStr::new("-m"), program]),
        ProgramKind::Script => with(python, &[program]),
        ProgramKind::Executable => with(Path::new(program), &[]),
    })
}

/// How a program is started.
#[derive(Debug, PartialEq, Eq)]
enum ProgramKind {
    Module,
    Script,
    Executable,
}

/// Returns how to start `program`. Python runs Python files, and directories with a `__main__.py`; files that are
/// executable run by themselves; Python runs all other files. `search` is the value of `PATH`.
///
/// # Errors
/// If there is no such program.
fn kind(program: &OsStr, module: bool, search: Option<&OsStr>) -> Result<ProgramKind, Failure> {
    if module {
        return Ok(ProgramKind::Module);
    }
    let path = Path::new(program);
    let is_python = path
        .extension()
        .is_some_and(|extension| ["py", "pyw", "pyz", "pyc"].iter().any(|python| extension == *python));
    if (is_python && path.is_file()) || (path.is_dir() && path.join("__main__.py").is_file()) {
        return Ok(ProgramKind::Script);
    }
    let is_path = path.components().count() > 1;
    let folders = search.map(std::env::split_paths).into_iter().flatten();
    if (is_path && is_executable(path))
        || (!is_path && folders.map(|folder| folder.join(path)).any(|file| is_executable(&file)))
    {
        return Ok(ProgramKind::Executable);
    }
    if path.is_file() {
        return Ok(ProgramKind::Script);
    }
    Err(Failure::new(
        format!("no such program or script: {}", path.display()),
        "give a script, a program in PATH, or a module with -m",
    ))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Whether a child process has ended. It is not reaped, so it keeps its PID.
pub(crate) fn has_ended(pid: u32) -> bool {
    let Some(pid) = Pid::from_raw(pid.cast_signed()) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(pid), options) {
        Ok(ended) => ended.is_some(),
        Err(error) => error != rustix::io::Errno::INTR,
    }
}

/// Returns the exit status of mem_top for that of the program, as a shell reports it.
pub(crate) fn exit_status(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128_u8.saturating_add(signal as u8),
        (None, None) => exit::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_run_by_python_and_executables_by_themselves() {
        let folder = std::env::temp_dir().join(format!("mem_top-run-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("bin/package")).expect("a folder");
        let file = |name: &str, mode: u32| {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.join("bin").join(name);
            std::fs::write(&path, "").expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
            path
        };
        let (script, tool, plain) = (file("x.py", 0o755), file("tool", 0o755), file("plain", 0o644));
        file("package/__main__.py", 0o644);
        let search = folder.join("bin").into_os_string();
        let read =
            |program: &OsStr, module| kind(program, module, Some(&search)).map_err(|failure| failure.message);
        assert_eq!(read(script.as_os_str(), false), Ok(ProgramKind::Script));
        assert_eq!(read(tool.as_os_str(), false), Ok(ProgramKind::Executable));
        assert_eq!(read(OsStr::new("tool"), false), Ok(ProgramKind::Executable));
        assert_eq!(read(plain.as_os_str(), false), Ok(ProgramKind::Script));
        assert_eq!(read(folder.join("bin/package").as_os_str(), false), Ok(ProgramKind::Script));
        assert_eq!(read(OsStr::new("http.server"), true), Ok(ProgramKind::Module));
        assert_eq!(read(OsStr::new("plain"), false), Err("no such program or script: plain".to_owned()));
        std::fs::remove_dir_all(&folder).expect("it goes");
    }

    #[test]
    fn the_exit_status_is_that_of_the_program() {
        assert_eq!(exit_status(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(exit_status(ExitStatus::from_raw(15)), 143);
    }
}
