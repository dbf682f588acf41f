// The target of fuzz-readers.sh: the readers of Interchange and of examples, on whatever libFuzzer invents.
//
// The first byte of an input chooses the reader; what must hold besides "no crash, no trap" is checked by preconditions.

import Corpora
import Foundation
import Interchange
import Tensors

private let folder = ProcessInfo.processInfo.environment["FUZZ_FOLDER"] ?? "/tmp"
private let path = folder + "/input"
private let copy = folder + "/copy"

private struct Configuration: Codable {
  struct Layer: Codable {
    var hidden: Int
    var dropout: Double?
    var small: Int8?
    var scale: Float?
    var names: [String]?
    var next: [Layer]?
  }
  var version: Int?
  var cell: String?
  var layers: [Layer]?
  var vocabulary: [String: UInt32]?
  var flags: [Bool]?
}

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: start, count: count)
  guard let mode = input.first else { return 0 }
  let bytes = Array(input.dropFirst())
  switch mode & 15 {
  case 0: put(bytes, safeTensors)
  case 1:
    // The length is made right, so that the fuzzer's work goes into the header: it ends before the first NUL.
    let header = bytes.prefix { $0 != 0 }
    let length = UInt64(header.count)
    let frame = (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
    put(frame + header + bytes.dropFirst(header.count + 1), safeTensors)
  case 2: put(bytes) { () throws(UnrollError) in _ = try StrictJSON.read(Configuration.self, from: path) }
  case 3: put(bytes, lines)
  case 4: put(bytes, as: ".tsv", texts)
  case 5: put(bytes, as: ".csv", texts)
  case 6: put(bytes, as: ".jsonl", texts)
  case 7: put(bytes, as: ".csv", numbers)
  case 8: put(bytes) { path, _ throws(UnrollError) in _ = try IDXArray(contentsOf: path) }
  case 9: put(bytes) { path, bad throws(UnrollError) in _ = try TaggedSentences.read(path, .upos, &bad) }
  case 10: put(bytes) { path, bad throws(UnrollError) in _ = try TaggedSentences.read(path, .columns, &bad) }
  case 11: put(bytes) { path, bad throws(UnrollError) in _ = try ParallelTexts(contentsOf: path, &bad) }
  case 12: put(bytes) { path, _ throws(UnrollError) in _ = try TokenTable(contentsOf: path, kind: "words") }
  case 13: put(bytes) { path, _ throws(UnrollError) in _ = try NumPyArray(contentsOf: path) }
  case 14: put(bytes) { path, _ throws(UnrollError) in _ = try PNGPicture(contentsOf: path) }
  default: put(bytes, pieces)
  }
  return 0
}

/// Makes a file of the bytes and reads examples from it, once to the first bad line and once past all.
private func put(
  _ bytes: [UInt8], as suffix: String = "", _ read: (String, inout BadLines) throws(UnrollError) -> Void
) {
  for skips in [false, true] {
    put(bytes, to: path + suffix) { () throws(UnrollError) in
      var bad = BadLines(skips: skips)
      try read(path + suffix, &bad)
      precondition(skips || bad.skipped.isEmpty)
      precondition(bad.skipped.allSatisfy { $0.place?.hasPrefix(path) == true })
    }
  }
}

private func texts(_ path: String, _ bad: inout BadLines) throws(UnrollError) {
  _ = try LabelledTexts.read(path, TextColumns(), &bad)
}

private func numbers(_ path: String, _ bad: inout BadLines) throws(UnrollError) {
  let samples = try LabelledNumbers.read(path, labelColumn: nil, hasHeader: false, &bad).samples
  precondition(samples.allSatisfy { $0.values.count == samples[0].values.count })
}

/// Merges cut every word into pieces that make the word again.
private func pieces(_ path: String, _ bad: inout BadLines) throws(UnrollError) {
  let encoding = try BytePairEncoding(contentsOf: path)
  for word in ["a", "lower", "Stra\u{df}e", "abababab"] {
    precondition(BytePairEncoding.joined(encoding.pieces(of: word)) == word)
  }
}

/// Makes a file of the bytes and reads it; an error must name the file.
private func put(_ bytes: [UInt8], to path: String = path, _ read: () throws(UnrollError) -> Void) {
  guard let file = fopen(path, "w") else { fatalError("no file can be made in \(folder)") }
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
  do {
    try read()
  } catch {
    precondition(error.place?.hasPrefix(path) == true, "an error without its file: \(error)")
  }
}

/// What was read can be written, and is then read back the same.
private func safeTensors() throws(UnrollError) {
  let file = try SafeTensors.read(from: path)
  do {
    try file.write(to: copy)
  } catch {
    precondition(error.kind == .usage && error.message.contains("metadata key"), "\(error)")
    return
  }
  let again = try! SafeTensors.read(from: copy)
  precondition(file.metadata == again.metadata && file.tensors.count == again.tensors.count)
  for (a, b) in zip(file.tensors, again.tensors) {
    precondition(a.name == b.name && a.tensor.shape == b.tensor.shape)
    precondition(a.tensor.values.map(\.bitPattern) == b.tensor.values.map(\.bitPattern))
  }
}

/// A log takes one more line wherever it was torn.
private func lines() throws(UnrollError) {
  let log = JSONLines(path)
  let values = try log.read(Configuration.Layer.self)
  try log.append(Configuration.Layer(hidden: 1))
  let count = try log.read(Configuration.Layer.self).count
  precondition(count == values.count + 1)
  let kept = try log.keep(first: values.count)
  precondition(kept == values.count)
}
