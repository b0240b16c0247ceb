using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ddm.Runs;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Ddm.Services;

/// <summary>Reads bodies strictly: what is meant but misspelt must not be passed over.</summary>
internal static class RequestBody
{
    /// <summary>JSON's media type.</summary>
    public const string Json = "application/json";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        MaxDepth = 16,
    };

    /// <summary>Which of the known media types a body has; null for another, and for one that is compressed: none is unpacked, so that none can swell.</summary>
    public static string? KindOf(HttpRequest request, params IEnumerable<string> known)
    {
        if (request.Headers.ContentEncoding.Count > 0 || !MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !(type.Charset.Length == 0 || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        return known.FirstOrDefault(name => type.MediaType.Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The body as text; the endpoint's limit bounds it.</summary>
    /// <exception cref="UserErrorException">It is not UTF-8.</exception>
    /// <exception cref="BadHttpRequestException">It is too large, or too slow.</exception>
    public static async Task<string> ReadTextAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        await request.Body.CopyToAsync(bytes, cancellationToken);
        try
        {
            return Utf8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
        }
        catch (DecoderFallbackException e)
        {
            throw new UserErrorException($"The body is not UTF-8: byte {e.Index}. Send it as UTF-8 text.", e);
        }
    }

    /// <summary>A JSON body.</summary>
    /// <param name="json">Its text.</param>
    /// <param name="shape">What it should look like, for the message.</param>
    /// <exception cref="UserErrorException">It is no JSON, lacks a field, or has one that is unknown, doubled or of another kind.</exception>
    public static T Parse<T>(string json, string shape)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Strict) ?? throw new UserErrorException($"The body is null; expected {shape}.");
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"The body is not the JSON {shape}: {Printable.Text(e.Message, 400)}", e);
        }
    }
}
