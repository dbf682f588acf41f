import Foundation
import Training

/// Shows a training: one live line on a terminal, plain lines elsewhere, or one JSON object a line for programs.
///
///     var progress = ProgressLine(json: false)
///     try trainer.run { progress.show($0) }
///
/// Lines for people go to standard error, so that standard output stays free for results; JSON goes to standard output.
/// No colour is used, and no escape code is written where there is no terminal (or a `dumb` one).
struct ProgressLine {
  /// How events are shown.
  enum Style {
    /// One line that is written over, ten times a second at most; epochs stay above it.
    case live
    /// A line every so many seconds, and one for each epoch.
    case plain(interval: Double)
    /// Every event as a JSON object.
    case json
  }

  private let style: Style
  private let unit: String
  private let judgedBy: String
  private let clock = ContinuousClock()
  private var lastShown: ContinuousClock.Instant?
  /// Lines that are written over next.
  private var openLines = 0
  private var panel: WatchPanel?
  private var warnings: Warnings

  /// Shows events in a style. `unit` is what speed counts, `judgedBy` what the validation data measure; `watches` says
  /// whether a ``WatchPanel`` is shown, and `window` is as for a ``Doctor``.
  init(
    _ style: Style, unit: String = "characters", judgedBy: String = "validation", watches: Bool = false,
    window: Int? = nil
  ) {
    self.style = style
    self.unit = unit
    self.judgedBy = judgedBy
    panel = watches ? WatchPanel() : nil
    warnings = Warnings(window: window, judgedBy: judgedBy == "validation" ? nil : judgedBy)
  }

  /// Shows events as JSON when asked, else as standard error's kind asks for.
  init(
    json: Bool, unit: String = "characters", judgedBy: String = "validation", watches: Bool = false,
    window: Int? = nil
  ) {
    let isTerminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    self.init(
      json ? .json : isTerminal ? .live : .plain(interval: 10), unit: unit, judgedBy: judgedBy, watches: watches,
      window: window)
  }

  /// Shows an event.
  mutating func show(_ event: TrainingEvent) {
    if case .json = style { return Self.printJSON(event) }
    switch event {
    case .resumed(let resumption):
      for skipped in resumption.skipped { line("skipped \(skipped.path): \(skipped.reason)") }
      line("going on after update \(resumption.updatesDone) (\(resumption.path))")
    case .update(let update): show(update)
    case .watch(let report): show(report)
    case .skippedUpdate(let update):
      line("epoch \(update.epoch)  update \(update.update) was not made: \(update.reason)")
      if let fault = update.fault { line("  \(fault)") }
    case .epoch(let epoch):
      line(text(epoch))
      for warning in warnings.after(epoch) { line("  ! " + warning) }
    case .checkpoint: break
    case .stopped(let summary): line(Self.text(summary))
    }
  }

  /// Ends a live line that is still open, so that an error message begins on a line of its own.
  mutating func end() {
    if openLines > 0 { write("\n") }
    openLines = 0
  }

  private mutating func show(_ report: WatchReport) {
    warnings.add(report)
    panel?.add(report)
    if case .plain = style { for text in panel?.lines ?? [] { line(text) } }
  }

  private mutating func show(_ update: UpdateReport) {
    let now = clock.now
    if let lastShown, (now - lastShown) / .seconds(1) < interval { return }
    lastShown = now
    if case .live = style {
      let lines = (panel?.lines ?? []) + [text(update)]
      write(back + lines.map { $0.prefix(Self.columns - 1) + "\u{1B}[K" }.joined(separator: "\n"))
      openLines = lines.count
    } else {
      line(text(update))
    }
  }

  private var interval: Double {
    switch style {
    case .live, .json: 0.1
    case .plain(let interval): interval
    }
  }

  /// Back to the beginning of the first open line.
  private var back: String { openLines > 1 ? "\r\u{1B}[\(openLines - 1)A" : openLines == 1 ? "\r" : "" }

  /// Writes a line that stays, in place of the open ones.
  private mutating func line(_ text: String) {
    write(openLines > 0 ? "\(back)\u{1B}[J\(text)\n" : "\(text)\n")
    openLines = 0
  }

  // A reader that went away is no reason to end a training.
  private func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

  private static func printJSON(_ event: TrainingEvent) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard var data = try? encoder.encode(event) else { return }
    data.append(UInt8(ascii: "\n"))
    try? FileHandle.standardOutput.write(contentsOf: data)
  }

  /// Width of the terminal.
  private static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 80 }
    return Int(size.ws_col)
  }
}

/// What a ``Doctor`` finds while a training runs, each kind told once.
private struct Warnings {
  let window: Int?
  let judgedBy: String?
  private var epochs: [EpochReport] = []
  private var watched: [WatchReport] = []
  private var told: Set<Diagnosis.Kind> = []

  init(window: Int?, judgedBy: String?) { (self.window, self.judgedBy) = (window, judgedBy) }

  mutating func add(_ report: WatchReport) { watched.append(report) }

  /// What is new after an epoch.
  mutating func after(_ epoch: EpochReport) -> [String] {
    epochs.append(epoch)
    let found = Doctor(history: epochs, watched: watched, window: window, judgedBy: judgedBy).diagnoses()
    return found.filter { told.insert($0.kind).inserted }.map { "\($0.title.lowercased()): \($0.evidence)" }
  }
}

// MARK: - Texts

extension ProgressLine {
  private func text(_ update: UpdateReport) -> String {
    "epoch \(update.epoch)/\(update.epochs)  update \(update.update)/\(update.updatesPerEpoch)"
      + "  loss \(decimals(update.meanLoss, 3))"
      + "  \(count(update.unitsPerSecond)) \(unit)/s  gradient \(decimals(update.gradientNorm, 2))"
      + "  \(Self.duration(update.secondsLeft)) left"
  }

  private func text(_ epoch: EpochReport) -> String {
    var text = "epoch \(epoch.epoch)  loss \(decimals(epoch.trainingLoss, 4))"
    if let loss = epoch.validationLoss {
      let averaged = epoch.isAveraged == true ? ", averaged," : ""
      text += "  \(judgedBy)\(averaged) \(decimals(loss, 4))\(epoch.isBest ? " (best)" : "")"
    }
    text += "  \(count(epoch.unitsPerSecond)) \(unit)/s  \(Self.duration(epoch.seconds))"
    if let bytes = epoch.peakMemory { text += "  peak \(bytes >> 20) MiB" }
    return text
  }

  private static func text(_ summary: TrainingSummary) -> String {
    let done = "\(summary.epochsDone) epochs, \(summary.updatesDone) updates"
    return switch summary.reason {
    case .finished: "finished: \(done)"
    case .earlyStopping: "stopped early, the loss no longer falls: \(done)"
    case .interrupted: "interrupted and saved: \(done)"
    }
  }

  private func decimals(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

  /// 950, 12.3k, 1.2M.
  private func count(_ value: Double) -> String {
    switch value {
    case ..<1_000: decimals(value, 0)
    case ..<1_000_000: decimals(value / 1_000, 1) + "k"
    default: decimals(value / 1_000_000, 2) + "M"
    }
  }

  /// 42s, 3m07s, 2h05m.
  private static func duration(_ seconds: Double) -> String {
    guard seconds < 1e9 else { return "long" }
    let seconds = Int(seconds.rounded())
    switch seconds {
    case ..<60: return "\(seconds)s"
    case ..<3_600: return String(format: "%dm%02ds", seconds / 60, seconds % 60)
    default: return String(format: "%dh%02dm", seconds / 3_600, seconds % 3_600 / 60)
    }
  }
}
