import Foundation

/// Something that TensorBoard shows at a step of a training, under a tag: `group/name`.
///
///     try file.append([.scalar("update/loss", 1.25), .histogram("weights/readout", values)], step: 10)
///
/// One tag is of one kind, in all steps.
public struct EventSummary: Sendable {
  let message: ProtobufMessage

  /// A number, kept in 32 bits.
  public static func scalar(_ tag: String, _ value: Double) -> EventSummary {
    EventSummary(tag) { $0.add(2, Float(value)) }
  }

  /// How values are distributed, in buckets whose limits grow by a tenth, as TensorBoard has them. Values that are not
  /// finite are left out.
  public static func histogram(_ tag: String, _ values: some Sequence<Float>) -> EventSummary {
    EventSummary(tag) { $0.add(5, Histogram(values).message) }
  }

  /// A picture.
  public static func image(_ tag: String, _ picture: PNGImage) -> EventSummary {
    var image = ProtobufMessage()
    image.add(1, picture.height)
    image.add(2, picture.width)
    // Colours, without transparency.
    image.add(3, 3)
    image.add(4, bytes: picture.data)
    return EventSummary(tag) { $0.add(4, image) }
  }

  /// A text, shown as Markdown.
  public static func text(_ tag: String, _ text: String) -> EventSummary {
    var plugin = ProtobufMessage()
    plugin.add(1, "text")
    var metadata = ProtobufMessage()
    metadata.add(1, plugin)
    // A tensor of one string: type 7, shape [1].
    var dimension = ProtobufMessage()
    dimension.add(1, 1)
    var shape = ProtobufMessage()
    shape.add(2, dimension)
    var tensor = ProtobufMessage()
    tensor.add(1, 7)
    tensor.add(2, shape)
    tensor.add(8, text)
    return EventSummary(tag) {
      $0.add(9, metadata)
      $0.add(8, tensor)
    }
  }

  private init(_ tag: String, _ value: (inout ProtobufMessage) -> Void) {
    var message = ProtobufMessage()
    message.add(1, tag)
    value(&message)
    self.message = message
  }
}

/// Values counted in buckets: TensorFlow's `HistogramProto`.
struct Histogram {
  private var least = Double.infinity
  private var greatest = -Double.infinity
  private var count = 0.0
  private var sum = 0.0
  private var squares = 0.0
  /// The values from each limit's predecessor up to it, without itself.
  private var counts = [Double](repeating: 0, count: limits.count)

  /// 10⁻¹² · 1.1ⁿ up to 10²⁰ on both sides of 0, and the largest number.
  static let limits: [Double] = {
    var positive: [Double] = []
    var limit = 1e-12
    while limit < 1e20 {
      positive.append(limit)
      limit *= 1.1
    }
    positive.append(.greatestFiniteMagnitude)
    return positive.reversed().map { -$0 } + [0] + positive
  }()

  init(_ values: some Sequence<Float>) {
    for value in values where value.isFinite {
      let value = Double(value)
      least = min(least, value)
      greatest = max(greatest, value)
      count += 1
      sum += value
      squares += value * value
      counts[Self.bucket(of: value)] += 1
    }
  }

  /// The first limit above a value.
  private static func bucket(of value: Double) -> Int {
    var (low, high) = (0, limits.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if limits[middle] > value { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// A run of empty buckets is written as one.
  var message: ProtobufMessage {
    var (ends, filled): ([Double], [Double]) = ([], [])
    for (limit, count) in zip(Self.limits, counts) {
      if count == 0, filled.last == 0 {
        ends[ends.count - 1] = limit
      } else {
        ends.append(limit)
        filled.append(count)
      }
    }
    var message = ProtobufMessage()
    message.add(1, count > 0 ? least : 0)
    message.add(2, count > 0 ? greatest : 0)
    message.add(3, count)
    message.add(4, sum)
    message.add(5, squares)
    message.add(6, ends)
    message.add(7, filled)
    return message
  }
}
