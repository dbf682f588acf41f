import Foundation
import Interchange
import TestSupport
import Testing

@Suite struct EventFileTests {
  let folder = TestFolder()

  @Test func everyKindComesBack() throws {
    let before = Date().timeIntervalSince1970
    let file = try EventFile(in: folder.path)
    let picture = PNGImage(width: 2, height: 1, pixels: [255, 0, 0, 1, 2, 3])
    try file.append([.scalar("a/b", 1.5), .scalar("long", .infinity)], step: 0)
    try file.append([.text("words", "é\n* x"), .image("picture", picture)], step: 300)
    try file.restart(at: 1 << 40)
    let events = try decodedEvents(file.path)
    #expect(events.map(\.step) == [0, 0, 300, 1 << 40])
    #expect(events.map(\.isRestart) == [false, false, false, true])
    #expect(events.map(\.version) == ["brain.Event:2", nil, nil, nil])
    #expect(events.allSatisfy { $0.seconds >= before && $0.seconds < before + 60 })
    #expect(events[1].summaries.map(\.tag) == ["a/b", "long"])
    #expect(events[1].summaries.map(\.scalar) == [1.5, .infinity])
    let (text, image) = (events[2].summaries[0], events[2].summaries[1])
    #expect(text.text == "é\n* x" && text.plugin == "text")
    #expect(image.image?.height == 1 && image.image?.width == 2 && image.image?.colours == 3)
    #expect(image.image?.data == [UInt8](picture.data))
  }

  @Test func histogramsCountInTheUsualBuckets() throws {
    let file = try EventFile(in: folder.path)
    let values: [Float] = [-3, -3, 0, 1e-13, 0.5, 0.5, 0.5, 2e30, .nan, -.infinity]
    try file.append([.histogram("h", values), .histogram("empty", [])], step: 1)
    let summaries = try decodedEvents(file.path)[1].summaries
    let full = try #require(summaries[0].histogram)
    #expect(full.numbers == [-3, Double(Float(2e30)), 8, full.numbers[3], full.numbers[4]])
    #expect(abs(full.numbers[3] - Double(Float(2e30))) < 1e20)
    #expect(full.limits == full.limits.sorted() && full.limits.count == full.counts.count)
    // Of -3 twice, of 0 and 10⁻¹³ together (up to 10⁻¹²), of 0.5 three times, of what is beyond 10²⁰.
    #expect(full.counts.filter { $0 > 0 } == [2, 2, 3, 1])
    for (value, count) in [(-3, 2.0), (0, 2), (0.5, 3), (2e30, 1)] {
      let bucket = try #require(full.limits.firstIndex { $0 > value })
      #expect(full.counts[bucket] == count, "\(value)")
      #expect(full.limits[bucket - 1] <= value)
    }
    #expect(full.limits.contains { abs($0 - 1e-12) < 1e-20 } && full.limits.last == .greatestFiniteMagnitude)
    // No two empty ones stand together.
    #expect(!zip(full.counts, full.counts.dropFirst()).contains { $0 == 0 && $1 == 0 })
    let empty = try #require(summaries[1].histogram)
    #expect(empty.numbers == [0, 0, 0, 0, 0] && empty.counts == [0])
  }

  @Test func filesOfAFolderComeInOrder() throws {
    let files = try (0..<3).map { _ in try EventFile(in: folder.path) }
    #expect(files.map(\.path) == files.map(\.path).sorted())
    #expect(Set(files.map(\.path)).count == 3)
    // After one that comes from the future, too.
    _ = folder.file("events.out.tfevents.9999999998.host", [])
    #expect(try EventFile(in: folder.path).path.contains("/events.out.tfevents.9999999999."))
    #expect(folder.names.allSatisfy { $0.hasPrefix("events.out.tfevents.") })
  }

  @Test func foldersThatCannotBeAreRefused() {
    func error(_ folder: String) -> UnrollError? {
      failure { () throws(UnrollError) in _ = try EventFile(in: folder) }
    }
    #expect(error(folder.file("nowhere"))?.kind == .missing)
    #expect(error(folder.file("file", [7]))?.kind == .inputOutput)
    #expect(error("")?.kind == .usage)
  }
}
