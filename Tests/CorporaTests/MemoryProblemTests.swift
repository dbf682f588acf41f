import Corpora
import Foundation
import Interchange
import Tensors
import Testing

/// Problems that need a memory, and the pictures that one is made of.
@Suite struct MemoryProblemTests {
  @Test(arguments: [2, 3, 50])
  func addingAsksForTheMarkedSum(length: Int) {
    var random = RandomSource(seed: 3)
    let batch = AddingProblem(length: length).batch(40, using: &random)
    #expect(batch.inputs.shape == [length, 40, 2] && batch.targets.shape == [40, 1])
    var firsts: Set<Int> = []
    for sequence in 0..<40 {
      let marked = (0..<length).filter { batch.inputs[$0, sequence, 1] == 1 }
      #expect(marked.count == 2 && marked[0] < length / 2 && marked[1] >= length / 2)
      #expect((0..<length).allSatisfy { [0, 1].contains(batch.inputs[$0, sequence, 1]) })
      #expect((0..<length).allSatisfy { (0..<1).contains(batch.inputs[$0, sequence, 0]) })
      let sum = marked.reduce(Float(0)) { $0 + batch.inputs[$1, sequence, 0] }
      #expect(abs(batch.targets[sequence, 0] - sum) < 1e-6)
      firsts.insert(marked[0])
    }
    #expect(length < 10 || firsts.count > 10)
  }

  @Test func theBestConstantAnswerHasTheBaseline() {
    var random = RandomSource(seed: 5)
    let targets = AddingProblem(length: 4).batch(100_000, using: &random).targets.values
    let error = targets.reduce(0.0) { $0 + Double(($1 - 1) * ($1 - 1)) } / Double(targets.count)
    #expect(abs(error - AddingProblem.baseline) < 0.003)
  }

  @Test func copyAsksForTheFirstTen() {
    var random = RandomSource(seed: 4)
    let problem = CopyProblem(delay: 7)
    #expect(problem.length == 27)
    let batch = problem.batch(3, using: &random)
    for sequence in 0..<3 {
      let inputs = (0..<27).map { batch.inputs[$0 * 3 + sequence] }
      let targets = (0..<27).map { batch.targets[$0 * 3 + sequence] }
      #expect(inputs[..<10].allSatisfy { (1...8).contains($0) })
      #expect(inputs[10..<16].allSatisfy { $0 == 0 } && inputs[16] == 9 && inputs[17...].allSatisfy { $0 == 0 })
      #expect(targets[..<17].allSatisfy { $0 == 0 } && Array(targets[17...]) == Array(inputs[..<10]))
    }
    #expect(abs(problem.baseline - 10 * log(8) / 27) < 1e-12)
  }

  /// Two pictures of 2 x 3 pixels: the same pixels, in one order for all.
  @Test func picturesBecomeSequences() throws {
    let images = try IDXArray(
      Data([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 3] + (0..<18).map { 10 * $0 }), at: "i")
    let labels = try IDXArray(Data([0, 0, 8, 1, 0, 0, 0, 3, 1, 0, 2]), at: "l")
    #expect(images.extents == [3, 2, 3] && labels.values == [1, 0, 2])
    let pixels = try PixelSequences(images: images, labels: labels, heldOut: 1, at: "folder")
    #expect(pixels.length == 6 && pixels.trainingCount == 2 && pixels.count == 3 && pixels.classes == 3)
    let batch = pixels.batch([2, 0])
    #expect(batch.inputs.shape == [6, 2, 1] && batch.classes == [2, 1])
    let first = (0..<6).map { Int((batch.inputs[$0, 1, 0] + 0.5) * 255 + 0.5) }
    let last = (0..<6).map { Int((batch.inputs[$0, 0, 0] + 0.5) * 255 + 0.5) }
    #expect(first.sorted() == [0, 10, 20, 30, 40, 50] && first != first.sorted())
    #expect(last == first.map { $0 + 120 })
  }

  @Test func filesThatDoNotFitAreRefused() throws {
    func message(_ bytes: [UInt8]) -> String {
      do {
        _ = try IDXArray(Data(bytes), at: "file")
        return ""
      } catch { return error.message }
    }
    #expect(message([]).contains("no IDX file"))
    #expect(message([0x1f, 0x8b, 8, 1]).contains("no IDX file"))
    #expect(message([0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0]).contains("0xd"))
    #expect(message([0, 0, 8, 2, 0, 0, 0, 1]).contains("cut off"))
    #expect(message([0, 0, 8, 1, 0, 0, 0, 2, 7]).contains("holds 1 values, and 2"))
    #expect(message([0, 0, 8, 1, 0, 0, 0, 1, 7, 7]).contains("holds 2 values, and 1"))
    #expect(message([0, 0, 8, 3] + [UInt8](repeating: 255, count: 12)).contains("too large"))
    let images = try IDXArray(Data([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9]), at: "i")
    let labels = try IDXArray(Data([0, 0, 8, 1, 0, 0, 0, 2, 1, 0]), at: "l")
    #expect(throws: UnrollError.self) { try PixelSequences(images: images, labels: labels, heldOut: 0, at: "f") }
    let label = try IDXArray(Data([0, 0, 8, 1, 0, 0, 0, 1, 1]), at: "l")
    #expect(throws: UnrollError.self) { try PixelSequences(images: images, labels: label, heldOut: 1, at: "f") }
  }
}
