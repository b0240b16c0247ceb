using System.Text.Json;

namespace Ddm.Serving;

/// <summary>What an expert host says of itself.</summary>
/// <param name="Name">Who it is in logs.</param>
/// <param name="Model">The model whose experts it holds.</param>
/// <param name="Experts">SHA-256 of the weights of each expert that it answers for, of any version.</param>
/// <param name="Numerics">What it computes with: pictures have the same bits where gateway and hosts agree.</param>
internal sealed record HostDescription(string Name, string Model, IReadOnlyList<string> Experts, string Numerics)
{
    /// <summary>As UTF-8 JSON.</summary>
    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, JsonSerializerOptions.Web);

    /// <summary>From UTF-8 JSON.</summary>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    public static HostDescription Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<HostDescription>(bytes, JsonSerializerOptions.Web) is { Experts: not null } read ? read : throw new InvalidDataException("The host's description is empty.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("What came is no description of an expert host.", e);
        }
    }
}
