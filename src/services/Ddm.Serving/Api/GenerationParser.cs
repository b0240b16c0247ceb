using System.Text.Json;
using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Runs;
using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>Reads the body of <c>POST /v1/images/generations</c>: OpenAI's fields and the extensions, each held to its bounds.</summary>
internal sealed class GenerationParser(ModelShelf shelf, ServingSettings settings)
{
    private const int MostPrompt = 4000;
    private const int MostPictures = 10;
    private const int MostPreviews = 3;
    private const double MostGuidance = 100;
    private const double MostShift = 100;
    private const int MostQuality = 100;

    /// <summary>The fields that mean something.</summary>
    internal static readonly string[] Known =
    [
        "prompt", "model", "n", "size", "quality", "response_format", "output_format", "output_compression", "stream", "partial_images", "background", "moderation", "style", "user",
        "negative_prompt", "num_inference_steps", "guidance_scale", "seed", "class_label", RoutingFields.Field, "solver", "shift", "deadline_seconds",
    ];

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <summary>Reads a body.</summary>
    /// <param name="text">The body.</param>
    /// <param name="seed">Seed of the first picture where the request names none.</param>
    /// <returns>The request, and its model; the lease is the caller's.</returns>
    /// <exception cref="GatewayException">Something is wrong with it; the message names field, value and remedy.</exception>
    public (GenerationRequest Request, ModelLease Lease) Read(string text, Func<long> seed)
    {
        using var document = Parse(text);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw GatewayException.Bad(null, $"The body is no JSON object; expected {{\"prompt\": ...}}.", "invalid_json");
        }

        var fields = new FieldReader(document.RootElement, Known);
        var lease = Model(fields);
        try
        {
            return (Read(fields, lease.Model, seed), lease);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private static JsonDocument Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text, Strict);
        }
        catch (JsonException e)
        {
            throw GatewayException.Bad(null, $"The body is not the JSON of a request: {Printable.Text(e.Message, 300)}", "invalid_json");
        }
    }

    private ModelLease Model(FieldReader fields)
    {
        var models = shelf.Models;
        var name = fields.Text("model", 512);
        var names = string.Join(", ", models.Select(model => model.Manifest.Name));
        if (name is null)
        {
            return models.Count == 1 && shelf.Lease(models[0].Manifest.Name) is { } only ? only
                : models.Count == 0 ? throw new GatewayException(StatusCodes.Status503ServiceUnavailable, "No model is ready yet. Try again in a while.", null, "no_model", 5)
                : throw GatewayException.Bad("model", $"'model' is missing, and there are several: {names}.", "missing_required_parameter");
        }

        return shelf.Lease(name) ?? throw new GatewayException(
            StatusCodes.Status404NotFound, $"There is no model '{Printable.Text(name)}'. Models: {(names.Length > 0 ? names : "none is ready yet")}.", "model", "model_not_found");
    }

    private GenerationRequest Read(FieldReader fields, ServedModel model, Func<long> seed)
    {
        var manifest = model.Manifest;
        RequireSize(fields, manifest.ImageSize);
        RequireDefaults(fields, manifest.Channels);
        var n = (int)(fields.Whole("n", 1, MostPictures) ?? 1);
        var (label, prompt) = Condition(fields, model);
        var request = Sampling(fields, model, n, fields.Whole("seed", 0, long.MaxValue) ?? seed());
        request = request with { Labels = label is null ? null : [.. Enumerable.Repeat(label.Value, n)] };
        var negative = Negative(fields, model, request.Guidance);
        RequireAffordable(request, n, manifest.ImageSize);
        var stream = fields.Flag("stream") ?? false;
        var previews = (int)(fields.Whole("partial_images", 0, MostPreviews) ?? 0);
        var links = fields.Word("response_format", "b64_json", "url") == "url";
        if (previews > 0 && !stream)
        {
            throw GatewayException.Bad("partial_images", $"'partial_images' comes with '\"stream\": true' alone.");
        }

        if (stream && links)
        {
            throw GatewayException.Bad("response_format", $"Events carry pictures in base64: leave 'response_format' out, or 'stream'.");
        }

        var (format, quality) = Format(fields);
        var deadline = fields.Number("deadline_seconds", 0.1, settings.Deadline.TotalSeconds);
        return new GenerationRequest(
            new PictureOrder(request, prompt, negative, previews), format, quality, links, stream, deadline is null ? null : TimeSpan.FromSeconds(deadline.Value));
    }

    private SampleRequest Sampling(FieldReader fields, ServedModel model, int n, long seed)
    {
        if (seed > long.MaxValue - n)
        {
            throw GatewayException.Bad("seed", $"'seed' is {seed}; picture i has seed + i, so give at most {long.MaxValue - n}.");
        }

        var (usual, conditional) = (model.Manifest.Sampling, model.Loaded.Ensemble.Conditional);
        var guidance = fields.Number("guidance_scale", 0, MostGuidance) ?? (conditional ? usual.Guidance : 1);
        if (guidance != 1 && !conditional)
        {
            throw GatewayException.Bad("guidance_scale", $"Model {model.Manifest.Name} is unconditional, so that guidance has nothing to lead to: leave 'guidance_scale' out.");
        }

        var request = new SampleRequest
        {
            Seeds = [.. Enumerable.Range(0, n).Select(i => seed + i)],
            Steps = (int)(fields.Whole("num_inference_steps", 1, settings.MaxSteps) ?? Math.Min(usual.Steps, settings.MaxSteps)),
            Guidance = guidance,
            Solver = fields.Word("solver", "euler", "heun") switch { "euler" => Solver.Euler, "heun" => Solver.Heun, _ => usual.Solver },
            Shift = fields.Number("shift", 1e-3, MostShift) ?? usual.Shift,
        };
        return RoutingFields.Read(request, fields, model.Strategy, model.Manifest.Experts.Count);
    }

    /// <summary>What the pictures are of: a class, a caption or nothing.</summary>
    private static (long? Label, string? Prompt) Condition(FieldReader fields, ServedModel model)
    {
        var (prompt, label) = (fields.Text("prompt", MostPrompt), fields.Whole("class_label", long.MinValue, long.MaxValue));
        var (manifest, ensemble) = (model.Manifest, model.Loaded.Ensemble);
        if (ensemble.NullLabel is { } classes)
        {
            return (Label(prompt, label, manifest.ClassNames, classes), null);
        }

        if (label is not null)
        {
            throw GatewayException.Bad("class_label", $"Model {manifest.Name} has no classes: leave 'class_label' out{(model.Loaded.Captions is null ? "" : ", and say it in 'prompt'")}.");
        }

        var empty = string.IsNullOrWhiteSpace(prompt);
        if (model.Loaded.Captions is not null && empty)
        {
            throw GatewayException.Bad("prompt", $"'prompt' is {(prompt is null ? "missing" : "empty")}: say what the picture shows.", prompt is null ? "missing_required_parameter" : "invalid_value");
        }

        if (model.Loaded.Captions is null && !empty)
        {
            throw GatewayException.Bad("prompt", $"Model {manifest.Name} is unconditional: no prompt changes what it draws. Send an empty one, or none.");
        }

        return (null, empty ? null : prompt);
    }

    private static long Label(string? prompt, long? label, IReadOnlyList<string> names, long classes)
    {
        if (label is { } number)
        {
            if (!string.IsNullOrWhiteSpace(prompt))
            {
                throw GatewayException.Bad("class_label", $"'prompt' and 'class_label' both name a class: give one of them.");
            }

            return number >= -1 && number < classes ? number
                : throw GatewayException.Bad("class_label", $"'class_label' is {number}; expected 0 to {classes - 1}, or -1 for none.");
        }

        if (string.IsNullOrWhiteSpace(prompt))
        {
            throw GatewayException.Bad("prompt", $"'prompt' is {(prompt is null ? "missing" : "empty")}: give a class. Classes: {Names(names)}.", prompt is null ? "missing_required_parameter" : "invalid_value");
        }

        for (var i = 0; i < names.Count; i++)
        {
            if (string.Equals(names[i], prompt.Trim(), StringComparison.OrdinalIgnoreCase))
            {
                return i;
            }
        }

        throw GatewayException.Bad("prompt", $"There is no class '{Printable.Text(prompt)}'. Classes: {Names(names)}.", "unknown_class");
    }

    private static string Names(IReadOnlyList<string> names)
    {
        const int Most = 100;
        return string.Join(", ", names.Take(Most)) + (names.Count > Most ? FormattableString.Invariant($" and {names.Count - Most} more") : "");
    }

    private static string? Negative(FieldReader fields, ServedModel model, double guidance)
    {
        if (fields.Text("negative_prompt", MostPrompt) is not { } negative || string.IsNullOrWhiteSpace(negative))
        {
            return null;
        }

        return model.Loaded.Captions is null ? throw GatewayException.Bad("negative_prompt", $"Model {model.Manifest.Name} knows no captions: leave 'negative_prompt' out.")
            : guidance == 1 ? throw GatewayException.Bad("negative_prompt", $"'negative_prompt' has no effect without guidance: add 'guidance_scale' above 1.")
            : negative;
    }

    private void RequireAffordable(SampleRequest request, int n, int side)
    {
        var evaluations = request.Steps * (request.Guidance == 1 ? 1L : 2) * (request.Solver == Solver.Heun ? 2 : 1);
        var cost = n * (long)side * side * evaluations;
        if (cost > settings.MaxPixelSteps)
        {
            throw GatewayException.Bad("n", $"{n} pictures of {side}x{side} with {evaluations} evaluations each are {cost} pixel steps; at most {settings.MaxPixelSteps} are drawn. Ask for fewer pictures or steps.", "too_expensive");
        }
    }

    private static void RequireSize(FieldReader fields, int side)
    {
        var allowed = FormattableString.Invariant($"{side}x{side}");
        if (fields.Text("size", 512) is { } size && size != "auto" && size != allowed)
        {
            throw GatewayException.Bad("size", $"'size' is '{Printable.Text(size)}'; the model draws {allowed} (or 'auto').");
        }
    }

    // Fields of OpenAI's that have one meaning here: another would have no effect.
    private static void RequireDefaults(FieldReader fields, int channels)
    {
        fields.Word("quality", "auto", "standard");
        fields.Word("background", "auto", "opaque");
        fields.Word("moderation", "auto", "low");
        fields.Text("user", 512);
        if (fields.Has("style"))
        {
            throw GatewayException.Bad("style", $"'style' has no effect here: leave it out. The model has {(channels == 1 ? "grey" : "colour")} pictures of one style.");
        }
    }

    private static (PictureEncoding Format, int Quality) Format(FieldReader fields)
    {
        var format = fields.Word("output_format", "png", "jpeg", "webp") switch { "jpeg" => PictureEncoding.Jpeg, "webp" => PictureEncoding.Webp, _ => PictureEncoding.Png };
        var quality = (int)(fields.Whole("output_compression", 0, MostQuality) ?? MostQuality);
        return format != PictureEncoding.Png || quality == MostQuality ? (format, quality)
            : throw GatewayException.Bad("output_compression", $"'output_compression' is {quality}, but a PNG is without loss: choose 'output_format' jpeg or webp.");
    }
}
