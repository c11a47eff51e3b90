//! The commands of the protocol (specification, section 2).

/// What a plugin is asked to do: the value of `CNI_COMMAND`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Attach a container to a network.
    Add,
    /// Check that an attachment is as it should be.
    Check,
    /// Undo an attachment.
    Del,
    /// Remove what belongs to no valid attachment.
    Gc,
    /// Tell whether the plugin is ready for ADD.
    Status,
    /// Tell the supported versions of the specification.
    Version,
}

impl Command {
    /// The value of `CNI_COMMAND`.
    pub fn name(self) -> &'static str {
        match self {
            Command::Add => "ADD",
            Command::Check => "CHECK",
            Command::Del => "DEL",
            Command::Gc => "GC",
            Command::Status => "STATUS",
            Command::Version => "VERSION",
        }
    }

    /// The command of that name.
    pub fn from_name(name: &str) -> Option<Command> {
        use Command::{Add, Check, Del, Gc, Status, Version};
        [Add, Check, Del, Gc, Status, Version].into_iter().find(|command| command.name() == name)
    }

    /// Whether a plugin that succeeds answers on stdout. What the others print there has no meaning.
    pub fn returns_result(self) -> bool {
        matches!(self, Command::Add | Command::Version)
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
