import Foundation
import Interchange

/// Rungs that are trained, whatever kind of model they are, and which of them is kept.
public protocol ClimbedLadder {
  /// Rungs that are trained, in order.
  var rungs: [Rung] { get }
  /// How it ends; nil until all rungs are trained, or where the validation data stay apart.
  var finale: Finale? { get }
  /// The most epochs of a rung that does not say.
  var usualEpochs: Int { get }
}

extension ClimbedLadder {
  /// The place of the best rung so far, that of the lowest loss, among equals the smallest.
  public var best: Int? {
    rungs.indices.min {
      (rungs[$0].validation, rungs[$0].beginning.parameters) < (rungs[$1].validation, rungs[$1].beginning.parameters)
    }
  }

  /// The place of the rung to keep: the smallest that is no more than a standard error behind the best (Breiman et al.
  /// 1984), where the error is that of the difference, as all are judged by the same data: those of cross-validation
  /// where it was made, else the validation data. Of several of that size, the best in cross-validation; or the one
  /// that learnt for the most epochs, as the validation data see no difference, and what learnt longer from new values
  /// does better on new data than what grew (Ash & Adams 2020).
  public var kept: Int? {
    if let chosen = finale?.chosen(among: rungs) { return chosen.rung - 1 }
    func order(_ place: Int) -> (Int, Int, Double) {
      (rungs[place].beginning.parameters, -mostEpochs(of: place), rungs[place].validation)
    }
    return asGoodAsBest.min { order($0) < order($1) }
  }

  /// The places of the rungs that are no more than a standard error behind the best, with it.
  var asGoodAsBest: [Int] {
    guard let best else { return [] }
    return rungs.indices.filter { rungs[$0].judgement.isAsGood(as: rungs[best].judgement) }
  }

  func mostEpochs(of place: Int) -> Int { rungs[place].beginning.mostEpochs ?? usualEpochs }

  /// Whether its numbers can be those of a ladder.
  var isConsistent: Bool {
    zip(rungs, 1...).allSatisfy { $0.beginning.number == $1 }
      && rungs.allSatisfy { $0.judgement.values.count == rungs[0].judgement.weights.count }
      && finale?.fits(rungs.count) ?? true
  }
}

/// What the ladder in a model folder says, whatever kind of model it is of.
///
///     if let ladder = try LadderRecord(in: "reviews"), let kept = ladder.kept {
///       print(ladder.rungs[kept].beginning.sizes)
///     }
public struct LadderRecord: ClimbedLadder, Sendable {
  /// Rungs that are trained, in order.
  public let rungs: [Rung]
  /// How it ends.
  public let finale: Finale?
  /// The epochs of the settings.
  public let usualEpochs: Int

  /// What is read of the file.
  private struct Contents: Decodable {
    struct Limit: Decodable { let settings: Settings }
    struct Settings: Decodable { let epochs: Int }
    let rungs: [Rung]
    let finale: Finale?
    let limit: Limit
  }

  /// Reads the ladder in a folder; nil when it holds none. Throws when it is too new, or damaged.
  public init?(in folder: String) throws(UnrollError) {
    let path = folder + "/" + LadderFile.name
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    try LadderFile.demandKnown(StrictJSON.read(ModelFolder.Header.self, from: path), at: path)
    let contents = try StrictJSON.read(Contents.self, from: path)
    (rungs, finale, usualEpochs) = (contents.rungs, contents.finale, contents.limit.settings.epochs)
    guard isConsistent else { throw LadderFile.contradiction(at: path) }
  }
}
