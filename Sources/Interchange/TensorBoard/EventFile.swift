import Foundation

/// A file of events as TensorBoard reads them: `events.out.tfevents.<seconds>.<host>` in a folder.
///
///     let file = try EventFile(in: "poems/tensorboard")
///     try file.append([.scalar("update/loss", 1.25)], step: 10)
///
/// A file is begun anew by every program that writes; TensorBoard reads all files of a folder, in the order of their
/// names. An event is one write: whoever reads while it is written, or after a kill, finds whole events.
public final class EventFile: Sendable {
  /// The file.
  public let path: String
  private let descriptor: Int32

  /// Begins a file in a folder that is there. Throws when it cannot be written.
  public init(in folder: String) throws(UnrollError) {
    try checkPath(folder)
    // Later than the newest file that is there, whatever the clock says.
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    var seconds = max(Int(Date().timeIntervalSince1970), (names.compactMap(Self.seconds(ofFile:)).max() ?? 0) + 1)
    var (path, descriptor) = ("", Int32(-1))
    while descriptor < 0 {
      path = "\(folder)/\(Self.prefix)\(seconds).\(Self.host)"
      descriptor = openFile(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC)
      guard descriptor >= 0 || errno == EEXIST else { throw .writing(path, errno) }
      seconds += 1
    }
    self.path = path
    self.descriptor = descriptor
    var version = ProtobufMessage()
    version.add(3, "brain.Event:2")
    try write(version, step: nil)
  }

  deinit { close(descriptor) }

  /// Appends what was seen after so many updates. When that fails, the file is left as it was.
  public func append(_ summaries: [EventSummary], step: Int) throws(UnrollError) {
    var values = ProtobufMessage()
    for summary in summaries { values.add(1, summary.message) }
    var event = ProtobufMessage()
    event.add(5, values)
    try write(event, step: step)
  }

  /// Says that a training goes on: what files before have from this step on does not count, as it comes again.
  public func restart(at step: Int) throws(UnrollError) {
    var start = ProtobufMessage()
    start.add(1, 1)
    var event = ProtobufMessage()
    event.add(7, start)
    try write(event, step: step)
  }

  private func write(_ content: ProtobufMessage, step: Int?) throws(UnrollError) {
    var event = ProtobufMessage()
    event.add(1, Date().timeIntervalSince1970)
    if let step { event.add(2, step) }
    let record = RecordFraming.record(event.bytes + content.bytes)
    let size = lseek(descriptor, 0, SEEK_END)
    let written = record.withUnsafeBytes { writeBytes(descriptor, $0) }
    guard written == record.count else {
      // A write that took only a part met the end of the disk.
      let code = written < 0 ? errno : ENOSPC
      if written > 0 { ftruncate(descriptor, size) }
      throw .writing(path, code)
    }
  }

  private static let prefix = "events.out.tfevents."

  /// When a file was begun, by its name.
  private static func seconds(ofFile name: String) -> Int? {
    guard name.hasPrefix(prefix) else { return nil }
    return Int(name.dropFirst(prefix.count).prefix { $0 != "." })
  }

  private static var host: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let safe = text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    return safe.isEmpty ? "localhost" : safe
  }
}
