using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ddm.Runs;

namespace Ddm.Encoders;

/// <summary>
/// The file beside an ONNX model, <c>encoder.json</c> beside <c>encoder.onnx</c>, that says how the network's pictures are prepared; every key may be left out. A model
/// without the file is prepared as <see cref="PicturePreparation.ImageNet"/> says.
/// </summary>
internal static class PreparationFile
{
    private const int LargestSide = 4096;
    private const string Keys = "image_size, resize, channels, scale, mean, std";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    private sealed record Content(int? ImageSize, int? Resize, string? Channels, double? Scale, double[]? Mean, double[]? Std);

    /// <summary>Where it lies.</summary>
    public static string PathOf(string model) => Path.ChangeExtension(model, ".json");

    /// <summary>Reads it.</summary>
    /// <param name="name">The file, for messages.</param>
    /// <param name="json">Its bytes; null: there is none.</param>
    /// <param name="fixedSide">H = W that the model's input insists on; null: it takes any.</param>
    /// <exception cref="UserErrorException">Something in it is wrong; the message names the key.</exception>
    public static PicturePreparation Parse(string name, byte[]? json, int? fixedSide)
    {
        var content = json is not null ? Read(name, json) : new Content(null, null, null, null, null, null);
        var usual = PicturePreparation.ImageNet;
        var side = Whole(name, "image_size", content.ImageSize ?? fixedSide ?? usual.Side, 1);
        if (fixedSide is { } needed && needed != side)
        {
            throw Bad(name, $"image_size is {side}, but the model takes pictures of {needed} x {needed}");
        }

        var shorter = Whole(name, "resize", content.Resize ?? PicturePreparation.UsualShorterSide(side), side);
        var scale = content.Scale ?? usual.Scale;
        Require(name, "scale", scale is > 0 and <= 65535, "a number above 0, 65535 at most");
        Require(name, "channels", content.Channels is null or "rgb" or "bgr", "rgb or bgr");
        var isBlueFirst = content.Channels == "bgr";
        Require(name, "mean", content.Mean is null || (content.Mean.Length == 3 && content.Mean.All(double.IsFinite)), "a list of three numbers");
        Require(name, "std", content.Std is null || (content.Std.Length == 3 && content.Std.All(value => value > 0 && double.IsFinite(value))), "a list of three numbers above 0");
        return new PicturePreparation(
            side, shorter, Channels(content.Mean, usual.Mean), Channels(content.Std, usual.Deviation), (float)scale, isBlueFirst);

        IReadOnlyList<float> Channels(double[]? given, IReadOnlyList<float> otherwise) => given is not null
            ? [.. given.Select(value => (float)value)]
            : [.. (isBlueFirst ? otherwise.Reverse() : otherwise).Select(value => value * (float)scale)];
    }

    private static Content Read(string name, ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize<Content>(json.StartsWith("\uFEFF"u8) ? json[3..] : json, Options) ?? throw Bad(name, "it holds null");
        }
        catch (JsonException error)
        {
            throw Bad(name, Printable.Text(error.Message, 200));
        }
    }

    private static int Whole(string name, string key, int value, int least)
    {
        Require(name, key, value >= least && value <= LargestSide, string.Create(CultureInfo.InvariantCulture, $"between {least} and {LargestSide}"));
        return value;
    }

    private static void Require(string name, string key, bool isGood, string due)
    {
        if (!isGood)
        {
            throw Bad(name, $"{key} must be {due}");
        }
    }

    private static UserErrorException Bad(string name, string what)
        => new($"{name}: {what}. The file says how the ONNX model beside it has its pictures prepared; its keys are {Keys}.");
}
