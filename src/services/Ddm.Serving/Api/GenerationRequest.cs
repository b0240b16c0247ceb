using Ddm.Data;

namespace Ddm.Serving;

/// <summary>A request for pictures, read and checked against the model it names.</summary>
/// <param name="Order">What to draw.</param>
/// <param name="Format">Format of the files.</param>
/// <param name="Quality">Of JPEG and WebP, 0 to 100.</param>
/// <param name="AsLinks">True: answer with links to the files; false: with the files, in base64.</param>
/// <param name="Stream">Whether the answer comes as events.</param>
/// <param name="Deadline">Time that the whole may take; null: the gateway's.</param>
internal sealed record GenerationRequest(PictureOrder Order, PictureEncoding Format, int Quality, bool AsLinks, bool Stream, TimeSpan? Deadline);
