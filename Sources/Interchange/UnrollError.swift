/// What went wrong with something that came from outside: a file, a flag, a disk, a signal.
///
///     throw UnrollError(
///       .invalidData, "the file is not UTF-8: byte 0xFF starts no character", at: "poems.txt:17",
///       hint: "convert it: iconv -f latin1 -t utf8 poems.txt > poems.utf8.txt")
///
/// Every error says what, where and how to mend it, and prints in that order. Mistakes of a programmer (a wrong shape)
/// trap instead.
public struct UnrollError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of trouble; programs decide by it.
  public enum Kind: String, Hashable, Sendable {
    /// A file or folder is not there.
    case missing
    /// A file's content is not what its format asks for.
    case invalidData
    /// A file is of a version that this program does not know.
    case unsupportedVersion
    /// Reading or writing failed: permissions, a full disk.
    case inputOutput
    /// An argument that cannot be.
    case usage
    /// Training left the numbers: a loss or gradient that is not finite.
    case notFinite
  }
  /// The kind of trouble.
  public let kind: Kind
  /// What is wrong, in one sentence without a full stop.
  public let message: String
  /// Where: a path, `path:line`, `path:byte 17`, or a tensor's name; nil when there is no place.
  public let place: String?
  /// What to do about it: an edit or a command; nil when the message says it all.
  public let hint: String?

  /// Creates an error.
  public init(_ kind: Kind, _ message: String, at place: String? = nil, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.place = place
    self.hint = hint
  }

  /// Message, place and hint on lines of their own.
  public var description: String {
    var text = message
    if let place { text += "\n  at \(place)" }
    if let hint { text += "\n\nhint: \(hint)" }
    return text
  }
}
