import Foundation
import Paradigms
import Training

extension TrainingReport {
  /// What stands below the title.
  var lead: [Markup] {
    let kind = model.summary ?? "a model of the paradigm “\(paradigm)”"
    let sentence = kind.prefix(1).uppercased() + kind.dropFirst()
    return [.tag("p", ["class": "lead"], Markup("\(sentence).")), .tag("div", ["class": "tiles"], .group(tiles))]
  }

  private var tiles: [Markup] {
    var tiles: [(String, String)] = []
    if let best {
      let loss = best.validationLoss ?? best.trainingLoss
      let part = best.validationLoss == nil ? "training" : "validation"
      let name = best.validationLoss == nil || measure == "loss" ? "loss in nats" : measure
      tiles.append((Figures.fixed(loss, 3), "\(part) \(name), epoch \(best.epoch)"))
      if paradigm == "text" { tiles.append((Figures.short(exp(loss)), "perplexity, \(part)")) }
    }
    if let count = model.parameterCount { tiles.append((Figures.whole(count), "parameters")) }
    if let last = history.last {
      let seconds = history.reduce(0) { $0 + $1.seconds }
      tiles.append(("\(last.epoch)", "epochs, \(Figures.whole(last.updatesDone)) updates"))
      tiles.append((Figures.duration(seconds), "of training"))
      tiles.append((Figures.short(last.unitsPerSecond), "units a second"))
      if let memory = last.peakMemory { tiles.append((Figures.bytes(memory), "of memory at most")) }
    }
    return tiles.map { number, words in
      .tag("div", ["class": "tile"], [.tag("b", [:], Markup(number)), .tag("span", [:], Markup(words))])
    }
  }

  var diagnosesSection: Page.Section? {
    let doctor = Doctor(
      history: history, watched: watched, skipped: skipped, window: window,
      judgedBy: StoredModels.measure(ofEpochsOf: paradigm))
    let found = doctor.diagnoses()
    var content: [Markup] = found.map { diagnosis in
      .tag(
        "div", ["class": "finding"],
        [
          .tag("h3", [:], Markup("⚠ \(diagnosis.title)")), .paragraph("What shows it: \(diagnosis.evidence)."),
          .paragraph("What usually helps:"),
          .tag("ul", [:], diagnosis.advice.map { .tag("li", [:], Markup($0)) }),
        ])
    }
    if found.isEmpty {
      let seen = watched.isEmpty ? "the losses alone" : "the losses and \(Figures.whole(watched.count)) watched updates"
      content.append(
        .tag(
          "div", ["class": "fine"],
          .paragraph(
            history.isEmpty && watched.isEmpty
              ? "Nothing to judge yet: no epoch is complete." : "✓ Nothing was found, judging by \(seen).")))
    }
    if watched.isEmpty { content.append(.note(Self.howToWatch)) }
    return Page.Section(name: "diagnoses", title: "Diagnoses", content: content)
  }

  var samplesSection: Page.Section? {
    guard !model.samples.isEmpty else { return nil }
    return Page.Section(
      name: "samples", title: "What it writes",
      content: [.note("From nothing, at a temperature of 0.8, with the seeds 1, 2 and 3.")]
        + [.grid("texts", model.samples.map { .tag("pre", [:], Markup($0)) })])
  }

  // MARK: Settings and machine

  var settingsSection: Page.Section? {
    guard case .object(let members) = configuration else { return nil }
    var general: [(String, String)] = []
    var groups: [(String, [(String, String)])] = []
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      let leaves = value.leaves
      if leaves.count == 1, leaves[0].path.isEmpty {
        general.append((key, leaves[0].value))
      } else {
        // A value without a name, as the encoder writes those of cases: `clipping.norm._0`.
        groups.append((key, leaves.map { ($0.path.replacing("._0", with: ""), $0.value) }))
      }
    }
    let tables = ([("model", general)] + groups).filter { !$0.1.isEmpty }.map { name, lines in
      Markup.tag("div", [:], [.heading(name), Self.lines(lines)])
    }
    return Page.Section(
      name: "settings", title: "Settings",
      content: [.note("As config.json has them.")] + [.grid("pair", tables)])
  }

  var machineSection: Page.Section? {
    guard let machine else { return nil }
    var lines = [("system", machine.system)]
    if let processor = machine.processor { lines.append(("processor", processor)) }
    lines += [
      ("cores", "\(machine.cores), of which \(machine.threads) were used"),
      ("instruction set", machine.instructions),
    ]
    return Page.Section(
      name: "environment", title: "Environment",
      content: [.note("Of the machine that trained last.")]
        + [Self.lines(lines)])
  }

  /// Names and values, two columns; of very many the first ones.
  private static func lines(_ lines: [(String, String)], most: Int = 80) -> Markup {
    var table = Table(columns: [.words("name"), .words("value")])
    table.rows = lines.prefix(most).map { name, value in
      let cut = value.count > 300 ? String(value.prefix(300)) + "…" : value
      return [.tag("code", [:], Markup(name)), Markup(cut)]
    }
    if lines.count > most { table.rows.append([Markup("…"), Markup("and \(lines.count - most) more")]) }
    return table.markup
  }
}
