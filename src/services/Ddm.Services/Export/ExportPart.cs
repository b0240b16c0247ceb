using System.Text.Json.Nodes;

namespace Ddm.Services;

/// <summary>What a part of a model is.</summary>
internal enum ExportPartKind
{
    /// <summary>An expert or the router.</summary>
    Network,

    /// <summary>The autoencoder.</summary>
    Autoencoder,

    /// <summary>A frozen encoder of captions.</summary>
    TextEncoder,

    /// <summary>The vocabulary of networks with an encoder of their own.</summary>
    Vocabulary,
}

/// <summary>A part of a model to export.</summary>
/// <param name="Name">Of its folder or file: <c>expert_0</c>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="File">Name of its weights in a folder of its own, as diffusers and transformers look for them.</param>
/// <param name="Blob">Its weights.</param>
/// <param name="Sha256">Their hash.</param>
/// <param name="Config">Its config; null: a vocabulary has none.</param>
internal sealed record ExportPart(string Name, ExportPartKind Kind, string File, string Blob, string Sha256, JsonObject? Config);
