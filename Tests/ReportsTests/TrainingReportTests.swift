import Foundation
import Interchange
import Paradigms
import Recurrence
import Reports
import Testing

@Suite struct TrainingReportTests {
  /// A gradient that fades by 15 % a step, over 200 steps, seen 150 times.
  private static func vanishing() -> [String] {
    (0..<150).map { Synthetic.watched(1 + 10 * $0, steps: 200, decay: 0.85) }
  }

  private static func model() -> ModelPortrait {
    ModelPortrait(
      summary: "a model", parameterCount: 12345, layers: Synthetic.layers,
      walks: [DrawnWalk(step: "character", layers: Synthetic.layers)], samples: ["Once <upon> a time & so on"])
  }

  @Test func aWatchedTrainingHasAllSections() throws {
    let page = PageReader(try Synthetic.report(watched: Self.vanishing(), model: Self.model()).html)
    #expect(page.fault == nil)
    for section in [
      "diagnoses", "curves", "flow", "network", "gates", "parameters", "samples", "settings", "environment",
    ] {
      #expect(page.identifiers.contains(section), "\(section)")
      #expect(page.addresses.contains("#\(section)"), "\(section)")
    }
    // Loss and five curves by update, a heat map and its curves, a histogram, its legend, a bar.
    #expect(page.names["svg"] == 11)
    #expect(page.names["img"] == 2)
    #expect(page.names["script"] == nil)
    for words in [
      "poems", "12,345", "2.125", "Vanishing gradients in recurrent.0", "hidden: all watched updates",
      "×\u{A0}0.850 with each step away from the end",
      "a hundredth of it is left after 29 steps", "−0.1625", "Once <upon> a time & so on", "a <processor>", "avx2",
      "recurrent.0.cell.forget.weight", "0.00100", "forget: flat, low + high", "3.0 % + 12 %", "6.2 %", "1.07",
    ] {
      #expect(page.text.contains(words), "\(words)")
    }
  }

  @Test func thePageStandsAlone() throws {
    let html = try Synthetic.report(watched: Self.vanishing(), model: Self.model()).html
    let addresses = PageReader(html).addresses
    #expect(!addresses.isEmpty)
    #expect(addresses.allSatisfy { $0.hasPrefix("#") || $0.hasPrefix("data:") }, "\(addresses)")
    #expect(!html.contains("@import") && !html.contains("url(") && !html.contains("http:") && !html.contains("https:"))
    #expect(html.contains("prefers-color-scheme: dark"))
    #expect(html.utf8.count < 400_000, "\(html.utf8.count) bytes")
  }

  @Test func withoutAWatchThereAreCurvesAndTheWayToMore() throws {
    let page = PageReader(try Synthetic.report().html)
    #expect(page.fault == nil)
    for section in ["flow", "network", "gates", "parameters", "samples"] {
      #expect(!page.identifiers.contains(section), "\(section)")
    }
    #expect(page.names["svg"] == 3)
    #expect(page.text.contains("--watch-every 100"))
    #expect(page.text.contains("best: 2.125"))
  }

  @Test func aTrainingThatHasJustBegunHasAPage() throws {
    let page = PageReader(try Synthetic.report(epochs: "", configuration: #"{"paradigm":"tag"}"#).html)
    #expect(page.fault == nil)
    #expect(page.names["svg"] == nil)
    #expect(page.text.contains("no epoch is complete"))
    #expect(!page.text.contains("perplexity"))
  }

  @Test func oneReportOfOneStepIsEnough() throws {
    let page = PageReader(
      try Synthetic.report(epochs: "", watched: [Synthetic.watched(1, steps: 1, decay: 0.5)], model: Self.model()).html)
    #expect(page.fault == nil)
    #expect(page.identifiers.contains("flow"))
  }

  /// Numbers that no training writes, but a file can hold.
  @Test func extremeNumbersHaveAPage() throws {
    let epochs = Synthetic.epochs.replacing("\"epoch\":3", with: "\"epoch\":9223372036854775807")
      .replacing("\"updatesDone\":30", with: "\"updatesDone\":-9223372036854775808")
      .replacing("2.125", with: "-1e308").replacing("2.25", with: "1e308").replacing("71.5", with: "1e300")
    let watched = Synthetic.watched(1, steps: 9, decay: 0.5)
      .replacing("\"gradientNorm\":0.8", with: "\"gradientNorm\":1e308")
      .replacing("\"gradientNorm\":0.125", with: "\"gradientNorm\":1e200")
      .replacing("\"noiseScale\":6.5", with: "\"noiseScale\":5e-324")
      .replacing("\"histogramRange\":[0,1]", with: "\"histogramRange\":[0,1e300]")
    for watch in [
      [watched], [watched, watched.replacing("\"updatesDone\":1", with: "\"updatesDone\":9223372036854775807")],
    ] {
      let page = PageReader(try Synthetic.report(epochs: epochs, watched: watch, model: Self.model()).html)
      #expect(page.fault == nil)
      #expect(page.identifiers.contains("flow"))
    }
  }

  /// What stands in files is words, whatever it says.
  @Test func whatComesFromFilesIsEscaped() throws {
    let hostile = "<script>alert(1)</script>&\u{1}'\u{2028}]]>-->"
    let json = hostile.replacing("\u{1}", with: "\\u0001")
    let report = try Synthetic.report(
      watched: [Synthetic.watched(1, steps: 5, decay: 0.5, layer: json)],
      configuration: "{\"paradigm\":\"\(json)\",\"\(json)\":{\"\(json)\":[\"\(json)\",{\"\(json)\":\"\(json)\"}]}}",
      model: ModelPortrait(
        summary: hostile,
        layers: [Diagram.Layer(name: hostile, kind: hostile, states: ["hidden"], inputs: 3, outputs: 5)],
        walks: [
          DrawnWalk(
            step: hostile,
            layers: [Diagram.Layer(name: hostile, kind: hostile, states: ["hidden"], inputs: 3, outputs: 5)]
          )
        ],
        samples: [hostile]),
      folder: "/tmp/\(hostile.replacing("/", with: "⁄"))")
    let page = PageReader(report.html)
    #expect(page.fault == nil)
    #expect(page.names["script"] == nil)
    #expect(page.names["img"] == 2)
    #expect(page.text.contains("<script>alert(1)</script>&\u{FFFD}'"))
  }

  // MARK: Network

  @Test func boxesAreFilledByTheirNumbers() {
    let dark = Diagram.Shade(ColourScale.viridis(0), number: "1.00")
    let light = Diagram.Shade(ColourScale.viridis(1), number: "9.00")
    let picture = Diagram.network(Synthetic.layers, at: [1, 40, 64]) { layer, time in
      layer == 1 ? (time == 64 ? light : time == 1 ? dark : nil) : nil
    }
    #expect(picture.columns == ["", "t = 1", "t = 40", "t = 64"])
    let svg = picture.svg
    #expect(svg.ranges(of: "style=\"fill: #440154\"").count == 1)
    #expect(svg.ranges(of: "style=\"fill: #fde725\"").count == 1)
    #expect(svg.contains(">B · 9.00<") && svg.contains("x₄₀"))
    #expect(picture.legend.contains { $0.contains("there are others") })
    #expect(picture.dot.contains("fillcolor=\"#fde725\"") && picture.dot.contains("fontcolor=\"#ffffff\""))
    #expect(!Diagram.network(Synthetic.layers, unrolled: 3).svg.contains("style=\"fill"))
  }

  // MARK: Folders

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  @Test func foldersAreReadAndPagesWritten() throws {
    try withFolder { folder in
      try Data(#"{"version":1,"paradigm":"text","length":64}"#.utf8).write(
        to: URL(fileURLWithPath: folder + "/config.json"))
      try Data(Synthetic.epochs.utf8).write(to: URL(fileURLWithPath: folder + "/history.jsonl"))
      try Data((Synthetic.watched(1, steps: 4, decay: 0.5) + "\n").utf8).write(
        to: URL(fileURLWithPath: folder + "/watch.jsonl"))
      let report = try TrainingReport(of: folder, program: "a program")
      try report.write(to: folder + "/report.html")
      let page = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
      #expect(page == report.html)
      #expect(page.contains("by a program") && page.contains("id=\"flow\""))
    }
  }

  @Test func missingAndDamagedFoldersAreRefused() throws {
    try withFolder { folder in
      func fault() -> UnrollError? {
        do throws(UnrollError) {
          _ = try TrainingReport(of: folder)
          return nil
        } catch {
          return error
        }
      }
      func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
      }
      #expect(fault()?.kind == .missing)
      #expect(fault()?.hint?.contains("unroll train") == true)
      try write("{\"version\":1,", "config.json")
      #expect(fault()?.kind == .invalidData)
      try write(#"{"version":1,"paradigm":"text"}"#, "config.json")
      #expect(fault() == nil)
      try write("{\"epoch\":1}\n", "history.jsonl")
      #expect(fault()?.place?.hasPrefix(folder + "/history.jsonl:1") == true)
      try write(Synthetic.epochs, "history.jsonl")
      try write("{}\n", "watch.jsonl")
      #expect(fault()?.place?.hasPrefix(folder + "/watch.jsonl:1") == true)
      try write("", "watch.jsonl")
      try write("not weights", "weights.safetensors")
      #expect(fault()?.kind == .invalidData)
    }
  }
}
