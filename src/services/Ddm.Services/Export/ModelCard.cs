using System.Globalization;
using System.Text;
using Ddm.Diffusion;

namespace Ddm.Services;

/// <summary>The README of an exported model: Hugging Face's front matter, what the model is, how it was trained, and how to read it.</summary>
/// <param name="model">The model.</param>
/// <param name="format">How it lies in its folder.</param>
/// <param name="parts">What is in it.</param>
/// <param name="training">How it was trained; null: not known here.</param>
/// <param name="samples">How <c>samples.png</c> was drawn; null: there is none.</param>
internal sealed class ModelCard(ModelManifest model, ExportFormat format, IReadOnlyList<ExportPart> parts, TrainingRecord? training, string? samples)
{
    private readonly StringBuilder text = new();
    private readonly DiTConfig[] experts = [.. model.Experts.Select(expert => ModelLoader.Shape(model, expert, model.Expert))];
    private readonly DiTConfig? router = model.Router.Weights is null ? null : ModelLoader.Shape(model, model.Router, model.RouterNetwork);

    private string Folder => model.Name + "-export";

    /// <summary>The whole page.</summary>
    public string Write()
    {
        FrontMatter();
        WhatItIs();
        HowItWasTrained();
        HowToLoad();
        WhatNetworksCompute();
        Line("## Licence");
        Line();
        Line("The exporter knows neither the rights in the pictures nor what you allow: choose a licence, and name it in the first lines of this file.");
        return text.ToString();
    }

    private void FrontMatter()
    {
        Line("---");
        Line("library_name: ddm");
        Line($"pipeline_tag: {(model.Text is null ? "unconditional-image-generation" : "text-to-image")}");
        Line("tags:");
        foreach (var tag in new[] { "decentralized-diffusion", "mixture-of-experts", "flow-matching", "diffusion-transformer", "safetensors" })
        {
            Line($"- {tag}");
        }

        Line("# license: not stated; choose one and write its identifier here");
        Line("---");
        Line();
        Line($"# {model.Name}");
        Line();
        if (samples is not null)
        {
            Line("![Samples](samples.png)");
            Line();
            Line(samples);
            Line();
        }
    }

    private void WhatItIs()
    {
        var k = experts.Length;
        Line(k == 1
            ? "A diffusion transformer."
            : $"A decentralized diffusion model ([arXiv 2501.05450](https://arxiv.org/abs/2501.05450)): {k} diffusion transformers, each trained alone on one cluster of the pictures, and a router that tells which of them to ask at every step of a drawing.");
        Line();
        Line("| | |");
        Line("|---|---|");
        Row("exported from", $"{model.Name}/{model.Version}");
        Row("experts", $"{k}: {string.Join("; ", experts.Select(Describe).Distinct())}");
        Row("router", router is null ? "none: there is one expert" : $"{Describe(router)}");
        Row("parameters", $"{Parameters():N0} in all, position tables included");
        Row("pictures", $"{model.ImageSize} x {model.ImageSize}, {(model.Channels == 1 ? "grey" : "RGB")}{(model.Latent is { } latent ? $", drawn as latents of {latent.Channels} x {latent.Size} x {latent.Size}" : "")}");
        Row("condition", Condition());
        Row("routing", $"{model.Routing}: {model.RoutingReason}");
        Row("sampling", $"{model.Sampling.Solver}, {model.Sampling.Steps} steps, guidance {model.Sampling.Guidance:R}, timestep shift {model.Sampling.Shift:R}");
        Line();
    }

    private void HowItWasTrained()
    {
        Line("## Training");
        Line();
        if (training is null)
        {
            Line("The run that trained these networks was not there when they were exported.");
            Line();
            return;
        }

        Line($"On {training.TrainingRows:N0} pictures; {training.HeldOutRows:N0} more were kept for measuring.{Data()}");
        Line();
        Line("| role | steps | images seen | training FLOPs | held-out loss |");
        Line("|---|---|---|---|---|");
        foreach (var role in training.Roles)
        {
            var steps = role.Step == role.TargetSteps ? $"{role.Step:N0}" : $"{role.Step:N0} of {role.TargetSteps:N0}";
            var loss = role.HeldOutLoss.Count == 0 ? "" : $"{role.HeldOutLoss[^1].Value:F4} (step {role.HeldOutLoss[^1].Step:N0})";
            Line($"| {role.Role} | {steps} | {role.ImagesSeen:N0} | {role.TrainingFlops:0.00E+0} | {loss} |");
        }

        Line();
        Line("The loss of an expert is its mean squared error of velocities, the router's its cross-entropy (nats). FLOPs are counted from the shapes: a forward pass and twice that backward.");
        Line();
        Measured();
    }

    private string Data() => model.DataManifestSha256 is { } hash ? $" Which ones: SHA-256 of the clusters' manifests `{hash}`." : "";

    private void Measured()
    {
        if (training!.Evaluation is not { } evaluation)
        {
            return;
        }

        if (evaluation.Router is { Bins.Count: > 0 } measured)
        {
            var (first, last) = (measured.Bins[0], measured.Bins[^1]);
            Line($"The router on {measured.Rows:N0} held-out pictures: accuracy {first.Accuracy:P1} for t in {first.From:F1} to {first.To:F1} (nearly a picture), {last.Accuracy:P1} for {last.From:F1} to {last.To:F1} "
                + $"(nearly noise); always answering the largest cluster: {measured.LargestShare:P1}. It took {evaluation.RouterShare:P1} of all training FLOPs ({evaluation.TrainingFlops:0.00E+0}).");
            Line();
        }

        if (evaluation.Captions is { } captions)
        {
            Line($"Captions, on {captions.Rows:N0} held-out pictures: the error is {captions.Right:F4} with the picture's own caption, {captions.Wrong:F4} with another's of the same cluster, {captions.None:F4} with none; "
                + $"the own caption is the better one for {captions.RightWins:P1} of the pictures.");
            Line();
        }
    }

    private void HowToLoad()
    {
        Line("## Load it again");
        Line();
        Line($"    ddm import {Folder} --name {model.Name}-again");
        Line($"    ddm sample {model.Name}-again");
        Line();
        Line("Weights, class names, priors, routing and sampling come back as they were: the same seeds draw the same pictures on the same numerics.");
        Line();
        Line("## Read an expert in Python");
        Line();
        Line("```python");
        Line("import json");
        Line("from safetensors import safe_open");
        Line();
        foreach (var line in Reading())
        {
            Line(line);
        }

        Line("with safe_open(path, framework=\"pt\") as file:");
        Line("    weights = {name: file.get_tensor(name) for name in file.keys()}");
        Line("print(config[\"prediction\"], config[\"hidden_size\"], config[\"depth\"])");
        Line("for name, tensor in sorted(weights.items()):");
        Line("    print(name, tuple(tensor.shape), tensor.dtype)");
        Line("```");
        Line();
    }

    private string[] Reading() => format == ExportFormat.Diffusers
        ? ["path = \"expert_0/diffusion_pytorch_model.safetensors\"", "config = json.load(open(\"expert_0/config.json\"))"]
        : ["path = \"expert_0.safetensors\"", "config = json.load(open(\"model.json\"))[\"networks\"][\"expert_0\"]"];

    private void WhatNetworksCompute()
    {
        var last = experts[0].Classes;
        Line("## What the networks compute");
        Line();
        Line($"Tensors have the names of facebookresearch/DiT{(experts[0].Text is null ? "" : ", and where captions come in those of PixArt-alpha")}, all float32. Where a config says `positions: sines`, the position table is DiT's "
            + "`get_2d_sincos_pos_embed` and not in the file. A noised picture is x_t = (1 - t) x_0 + t eps, 0 being data and 1 noise. `prediction` `velocity` is eps - x_0 at `time.scale` times t "
            + "(its negative at 1 - t where `time.direction` is `noise-to-data`); `epsilon` is the noise under the named schedule of 1,000 steps. The router gives the logits of p(k | x_t, t, c) over the experts.");
        Line();
        if (last > 0)
        {
            Line($"Label {last} is no class, for guidance.");
            Line();
        }

        Line("diffusers' scheduler with its own grid stops short of t = 0: `scheduler.set_timesteps(sigmas=numpy.linspace(1, 1 / n, n))` gives the grid used here.");
        Line();
        Line("| part | weights | SHA-256 of the weights as published |");
        Line("|---|---|---|");
        foreach (var part in parts)
        {
            Line($"| {part.Name} | `{ExportFormats.Weights(format, part).Replace('\\', '/')}` | `{part.Sha256}` |");
        }

        Line();
    }

    private string Condition()
    {
        var shape = experts[0];
        return shape.Text is { } seen ? seen.Learned ? $"captions, {seen.Tokens} tokens of a vocabulary of {seen.Vocabulary:N0}" : $"captions, {seen.Tokens} vectors of {seen.Width} by CLIP's text encoder"
            : shape.Classes == 0 ? "none" : $"{shape.Classes:N0} classes: {string.Join(", ", model.ClassNames.Take(20))}{(model.ClassNames.Count > 20 ? ", ..." : "")}";
    }

    private long Parameters() => experts.Sum(ParameterCount.Of) + (router is null ? 0 : ParameterCount.OfRouter(router, experts.Length));

    private static string Describe(DiTConfig shape)
        => string.Create(CultureInfo.InvariantCulture, $"width {shape.Hidden}, {shape.Depth} blocks, {shape.Heads} heads, patch {shape.Patch}, input {shape.Channels} x {shape.ImageSize} x {shape.ImageSize}");

    private void Row(string name, string value) => Line($"| {name} | {Cell(value)} |");

    private static string Cell(string value) => value.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");

    private void Line(string line = "") => text.Append(line).Append('\n');
}
