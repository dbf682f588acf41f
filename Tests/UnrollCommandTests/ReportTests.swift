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

  /// A model of another kind: two directions, in one box, and a readout that is not at every step.
  @Test func classifiersHavePicturesToo() throws {
    let folder = try Sample.copy()
    let lines = (0..<60).map { "word\($0 % 7) and word\($0 % 5)\t\($0 % 2 == 0 ? "even" : "odd")\n" }
    let data = try folder.write(lines.joined().utf8, to: "lines.tsv")
    let model = folder.file("lines")
    let training = try Command.unroll(
      ["train", "classify", "--data", data, "--out", model, "--hidden", "6", "--embedding", "4", "--epochs", "2"]
        + ["--batch", "8", "--watch-every", "2", "--threads", "1"])
    #expect(training.code == 0, "\(training.errors)")
    #expect(try Command.unroll(["report", model]).code == 0)
    let page = try folder.text("lines/report.html")
    #expect(page.contains("Gradients of states: a step is a word") && page.contains("of which 1 were used"))
    let pictures = page.matches(of: /base64,([A-Za-z0-9+\/=]+)/).compactMap { Data(base64Encoded: String($0.1)) }
      .map { String(decoding: $0, as: UTF8.self) }
    // Embedding, recurrent layer, readout; then the recurrent layer at each of its three steps.
    #expect(pictures.map { $0.matches(of: /<rect class="shape layer[^>]*style="fill: #/).count } == [3, 3])
    let network = try Command.unroll(["inspect", model, "--picture", "network"])
    #expect(network.code == 0 && network.output.contains("LSTM 4→12") && network.output.contains("Linear 12→2"))
    #expect(try Command.unroll(["inspect", model]).output.contains("The network, folded"))
    try expectFailure(
      Command.unroll(["inspect", model, "--picture", "step", "--json"]), code: 2, ["are for language models"])
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
