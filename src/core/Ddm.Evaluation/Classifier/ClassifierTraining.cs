using System.Globalization;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Evaluation;

/// <summary>The training of a <see cref="SmallClassifier"/>: cross-entropy, AdamW, one cycle of the learning rate.</summary>
internal sealed class ClassifierTraining : IDisposable
{
    private const double WarmupShare = 0.2;
    private static readonly Scalar MaxNorm = 5.0;

    private readonly SmallClassifier classifier;
    private readonly EvaluationRows rows;
    private readonly int[] labelled;
    private readonly SmallClassifierOptions options;
    private readonly Tensor[] parameters;
    private readonly Tensor[] firstMoments;
    private readonly Tensor[] secondMoments;

    public ClassifierTraining(SmallClassifier classifier, EvaluationRows rows, int[] labelled, SmallClassifierOptions options)
    {
        (this.classifier, this.rows, this.labelled, this.options) = (classifier, rows, labelled, options);
        parameters = classifier.Parameters;
        firstMoments = [.. parameters.Select(parameter => zeros(parameter.shape).DetachFromDisposeScope())];
        secondMoments = [.. parameters.Select(parameter => zeros(parameter.shape).DetachFromDisposeScope())];
    }

    public void Run(Action<string>? progress, CancellationToken cancellation)
    {
        var order = Philox.Create(options.Seed, role: 0, RandomStreams.Sampling);
        var perEpoch = (labelled.Length + options.Batch - 1) / options.Batch;
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            var permutation = new FeistelPermutation(labelled.Length, order, (ulong)epoch);
            var loss = 0.0;
            for (var batch = 0; batch < perEpoch; batch++)
            {
                cancellation.ThrowIfCancellationRequested();
                var first = batch * options.Batch;
                var chosen = Enumerable.Range(first, Math.Min(options.Batch, labelled.Length - first)).Select(i => labelled[(int)permutation[i]]).ToArray();
                loss += Step(chosen, (epoch * perEpoch) + batch, options.Epochs * perEpoch) / perEpoch;
            }

            progress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"classifier: epoch {epoch + 1}/{options.Epochs}, loss {loss:F3}"));
        }
    }

    public void Dispose()
    {
        foreach (var tensor in firstMoments.Concat(secondMoments))
        {
            tensor.Dispose();
        }
    }

    private float Step(int[] chosen, int step, int steps)
    {
        using var scope = NewDisposeScope();
        var (images, labels) = Gather(chosen);
        var loss = F.cross_entropy(classifier.Logits(images), labels);
        loss.backward();
        var gradients = parameters.Select(parameter => parameter.grad!).ToArray();
        var statistics = ForeachOps.Measure(gradients, loss.detach(), MaxNorm);
        var settings = new AdamWSettings(LearningRate(step, steps), WeightDecay: options.WeightDecay);
        ForeachOps.FusedAdamW(parameters, gradients, firstMoments, secondMoments, tensor(step + 1f), settings, statistics);
        foreach (var parameter in parameters)
        {
            parameter.grad = null;
        }

        return loss.item<float>();
    }

    // Linear up for the first fifth, then down to zero along half a cosine.
    private double LearningRate(int step, int steps)
    {
        var warmup = Math.Max(1, (int)(WarmupShare * steps));
        return step < warmup
            ? options.LearningRate * (step + 1) / warmup
            : options.LearningRate * 0.5 * (1 + Math.Cos(Math.PI * (step - warmup) / Math.Max(1, steps - warmup)));
    }

    private (Tensor Images, Tensor Labels) Gather(int[] chosen)
    {
        var width = rows.Channels * rows.Size * rows.Size;
        var pixels = new byte[chosen.Length * width];
        for (var i = 0; i < chosen.Length; i++)
        {
            rows.Pixels.AsSpan(chosen[i] * width, width).CopyTo(pixels.AsSpan(i * width));
        }

        var labels = Array.ConvertAll(chosen, row => rows.Labels[row]);
        return (new EvaluationRows(pixels, rows.Channels, rows.Size, labels).Images(0, chosen.Length), tensor(labels));
    }
}
