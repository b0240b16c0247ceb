using System.Text.Json;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>The JSON body of <c>POST /runs</c>.</summary>
/// <param name="Spec">The spec: its YAML as a text, or the same as an object.</param>
/// <param name="Root">Folder of the server that relative paths in it start at; null: the first of the setting Ddm:SourceRoots.</param>
internal sealed record SubmitBody(JsonElement Spec, string? Root = null)
{
    /// <summary>The spec's text.</summary>
    /// <exception cref="UserErrorException">It is neither text nor object.</exception>
    public string Text() => Spec.ValueKind switch
    {
        JsonValueKind.String => Spec.GetString()!,
        JsonValueKind.Object => Spec.GetRawText(),
        var other => throw new UserErrorException($"'spec' is {other.ToString().ToLowerInvariant()}; expected the spec's YAML as a text, or the spec as an object."),
    };
}
