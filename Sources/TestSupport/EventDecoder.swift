import Foundation

/// An event of a TensorBoard file, as the tests' own reader sees it; it shares no code with the writer.
package struct DecodedEvent {
  package var seconds = 0.0
  package var step = 0
  package var version: String?
  /// Whether it says that a training goes on here.
  package var isRestart = false
  package var summaries: [DecodedSummary] = []
}

/// A value under a tag.
package struct DecodedSummary {
  package var tag = ""
  package var scalar: Float?
  package var text: String?
  /// The plug-in that shows it, where it is named.
  package var plugin: String?
  package var histogram: DecodedHistogram?
  /// Height, width, colours, and the content of a PNG file.
  package var image: (height: Int, width: Int, colours: Int, data: [UInt8])?
}

/// `HistogramProto`.
package struct DecodedHistogram {
  /// Least, greatest, number, sum, sum of squares.
  package var numbers: [Double] = []
  package var limits: [Double] = []
  package var counts: [Double] = []
}

/// What is wrong with a file of events.
package struct DecodingFault: Error {
  package let what: String
}

/// The events of a file. Throws when a length, a checksum or a field is wrong.
package func decodedEvents(_ path: String) throws -> [DecodedEvent] {
  var rest = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))[...]
  var events: [DecodedEvent] = []
  while !rest.isEmpty {
    let length = try rest.take(8)
    try check(length, try rest.take(4))
    let content = try rest.take(Int(number(length)))
    try check(content, try rest.take(4))
    events.append(try event(content))
  }
  return events
}

private func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }

/// CRC-32C bit by bit, turned by 15 bits and moved on, as TensorFlow has it.
private func check(_ bytes: ArraySlice<UInt8>, _ sum: ArraySlice<UInt8>) throws {
  var crc: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    for bit in 0..<8 {
      let isSet = (crc ^ UInt32(byte >> bit)) & 1 == 1
      crc = isSet ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1
    }
  }
  crc = ~crc
  let masked = (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  guard UInt64(masked) == number(sum) else { throw DecodingFault(what: "a checksum of \(bytes.count) bytes is wrong") }
}

private func event(_ bytes: ArraySlice<UInt8>) throws -> DecodedEvent {
  var event = DecodedEvent()
  for (field, value) in try fields(bytes) {
    switch (field, value) {
    case (1, .fixed64(let bits)): event.seconds = Double(bitPattern: bits)
    case (2, .whole(let step)): event.step = step
    case (3, .bytes(let text)): event.version = String(decoding: text, as: UTF8.self)
    case (5, .bytes(let content)):
      for case (1, .bytes(let value)) in try fields(content) { event.summaries.append(try summary(value)) }
    case (7, .bytes(let content)):
      for case (1, .whole(1)) in try fields(content) { event.isRestart = true }
    default: throw DecodingFault(what: "field \(field) of an event")
    }
  }
  return event
}

private func summary(_ bytes: ArraySlice<UInt8>) throws -> DecodedSummary {
  var summary = DecodedSummary()
  for (field, value) in try fields(bytes) {
    switch (field, value) {
    case (1, .bytes(let tag)): summary.tag = String(decoding: tag, as: UTF8.self)
    case (2, .fixed32(let bits)): summary.scalar = Float(bitPattern: bits)
    case (4, .bytes(let content)): summary.image = try image(content)
    case (5, .bytes(let content)): summary.histogram = try histogram(content)
    case (8, .bytes(let tensor)):
      for case (8, .bytes(let text)) in try fields(tensor) { summary.text = String(decoding: text, as: UTF8.self) }
    case (9, .bytes(let metadata)):
      for case (1, .bytes(let plugin)) in try fields(metadata) {
        for case (1, .bytes(let name)) in try fields(plugin) { summary.plugin = String(decoding: name, as: UTF8.self) }
      }
    default: throw DecodingFault(what: "field \(field) of a summary")
    }
  }
  return summary
}

private func image(_ bytes: ArraySlice<UInt8>) throws -> (height: Int, width: Int, colours: Int, data: [UInt8]) {
  var image = (height: 0, width: 0, colours: 0, data: [UInt8]())
  for (field, value) in try fields(bytes) {
    switch (field, value) {
    case (1, .whole(let height)): image.height = height
    case (2, .whole(let width)): image.width = width
    case (3, .whole(let colours)): image.colours = colours
    case (4, .bytes(let data)): image.data = Array(data)
    default: throw DecodingFault(what: "field \(field) of an image")
    }
  }
  return image
}

private func histogram(_ bytes: ArraySlice<UInt8>) throws -> DecodedHistogram {
  var histogram = DecodedHistogram()
  for (field, value) in try fields(bytes) {
    switch (field, value) {
    case (1...5, .fixed64(let bits)): histogram.numbers.append(Double(bitPattern: bits))
    case (6, .bytes(let packed)): histogram.limits = doubles(packed)
    case (7, .bytes(let packed)): histogram.counts = doubles(packed)
    default: throw DecodingFault(what: "field \(field) of a histogram")
    }
  }
  return histogram
}

private func doubles(_ bytes: ArraySlice<UInt8>) -> [Double] {
  stride(from: bytes.startIndex, to: bytes.endIndex, by: 8).map { Double(bitPattern: number(bytes[$0..<$0 + 8])) }
}

private enum Field {
  case whole(Int), fixed64(UInt64), fixed32(UInt32), bytes(ArraySlice<UInt8>)
}

private func fields(_ bytes: ArraySlice<UInt8>) throws -> [(Int, Field)] {
  var rest = bytes
  var fields: [(Int, Field)] = []
  while !rest.isEmpty {
    let key = try rest.takeWhole()
    switch key & 7 {
    case 0: fields.append((key >> 3, .whole(try rest.takeWhole())))
    case 1: fields.append((key >> 3, .fixed64(number(try rest.take(8)))))
    case 2: fields.append((key >> 3, .bytes(try rest.take(try rest.takeWhole()))))
    case 5: fields.append((key >> 3, .fixed32(UInt32(number(try rest.take(4))))))
    default: throw DecodingFault(what: "wire type \(key & 7)")
    }
  }
  return fields
}

extension ArraySlice<UInt8> {
  fileprivate mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= self.count else { throw DecodingFault(what: "it ends too early") }
    defer { removeFirst(count) }
    return prefix(count)
  }

  fileprivate mutating func takeWhole() throws -> Int {
    var (value, shift) = (UInt64(0), UInt64(0))
    while let byte = first, shift < 64 {
      removeFirst()
      value |= UInt64(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 { return Int(truncatingIfNeeded: value) }
    }
    throw DecodingFault(what: "a number does not end")
  }
}
