using Ddm.Encoders;

namespace Ddm.Services;

/// <summary>What to import, and what is said about it.</summary>
public sealed record ImportRequest
{
    /// <summary>A safetensors file, a folder that holds one, or a folder of an ensemble (<c>model_index.json</c>).</summary>
    public required string Path { get; init; }

    /// <summary>The model's name.</summary>
    public required string Name { get; init; }

    /// <summary>What is said about a single network besides its <c>config.json</c>.</summary>
    public StatedNetwork Stated { get; init; } = new();

    /// <summary>Folder or file of the autoencoder of networks that see latents; null: the ensemble's own <c>vae</c>, or none.</summary>
    public string? Vae { get; init; }

    /// <summary>Folder or file of the encoder of captions; null: the ensemble's own <c>text_encoder</c>, or none.</summary>
    public string? TextEncoder { get; init; }

    /// <summary>Side of the pictures, pixels.</summary>
    public int? ImageSize { get; init; }

    /// <summary>A text file of the classes' names, one a line; null: the ensemble's own <c>classes.txt</c>, or numbers.</summary>
    public string? Classes { get; init; }
}
