import Foundation
import Testing

/// `unroll report`.
@Suite struct ReportTests {
  @Test func trainingsHaveAPage() throws {
    let folder = try Sample.copy()
    try FileManager.default.removeItem(atPath: folder.file("model/watch.jsonl"))
    let plain = try Command.unroll(["report", folder.file("model")])
    #expect(plain.code == 0, "\(plain.errors)")
    #expect(plain.output == folder.file("model/report.html") + "\n")
    let page = try folder.text("model/report.html")
    for part in ["<h1>model</h1>", "--watch-every 100", "A character language model", "What it writes", "unroll 0."] {
      #expect(page.contains(part), "\(part)")
    }

    let json = try Command.unroll(["report", folder.file("model"), "--out", folder.file("page.html"), "--json"])
    #expect(json.code == 0)
    let objects = try json.objects()
    #expect(objects.map { $0["path"] as? String } == [folder.file("page.html")])
    #expect(folder.exists("page.html"))
  }

  @Test func watchedTrainingsHaveALongerPage() throws {
    let folder = try Sample.copy()
    let training = try Command.unroll(
      ["train", "text", "--data", folder.file("text.txt"), "--out", folder.file("watched"), "--watch-every", "3"]
        + Sample.sizes)
    #expect(training.code == 0, "\(training.errors)")
    let report = try Command.unroll(["report", folder.file("watched")])
    #expect(report.code == 0, "\(report.errors)")
    let page = try folder.text("watched/report.html")
    for part in [
      "id=\"flow\"", "id=\"gates\"", "id=\"parameters\"", "id=\"network\"", "recurrent.layers.0.cell.forget.weight",
      "hidden: all watched updates", "cell: all watched updates", "data:image/svg+xml;base64,",
    ] {
      #expect(page.contains(part), "\(part)")
    }
    // The layers of the picture are those that were watched: both networks are coloured, recurrent boxes at every step.
    let pictures = page.matches(of: /base64,([A-Za-z0-9+\/=]+)/).compactMap { Data(base64Encoded: String($0.1)) }
      .map { String(decoding: $0, as: UTF8.self) }
    #expect(pictures.count == 2)
    #expect(pictures.map { $0.matches(of: /<rect class="shape layer[^>]*style="fill: #/).count } == [3, 4])
  }

  @Test func whatIsNoTrainingIsRefused() throws {
    let folder = try Sample.copy()
    try expectFailure(
      Command.unroll(["report", folder.file("nothing"), "--json"]), code: 1,
      ["there is no model folder", "unroll train"])
    _ = try folder.write("{}\n".utf8, to: "model/watch.jsonl")
    try expectFailure(
      Command.unroll(["report", folder.file("model"), "--json"]), code: 1, ["watch.jsonl:1", "is missing"])
    #expect(!folder.exists("model/report.html"))
    _ = try folder.write("".utf8, to: "model/watch.jsonl")
    try expectFailure(
      Command.unroll(["report", folder.file("model"), "--out", folder.file("no/page.html"), "--json"]), code: 1,
      ["its folder is not there"])
  }
}
