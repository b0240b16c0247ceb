using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Evaluation;

/// <summary>
/// A small convolutional network that tells classes apart: an instrument to judge drawn pictures by, trained on the run's own rows in
/// seconds. Convolutions of stride 2 (5 x 5, then 3 x 3), each followed by a ReLU, until the side is at most 8; one hidden layer; logits.
/// Strides and not pooling: at these widths a CPU spends more on pooling than on arithmetic.
/// </summary>
public sealed class SmallClassifier : IDisposable
{
    private const int LargestSide = 8;

    private readonly List<(Tensor Weight, Tensor Bias)> convolutions = [];
    private readonly (Tensor Weight, Tensor Bias) hidden;
    private readonly (Tensor Weight, Tensor Bias) head;

    private SmallClassifier(int channels, int size, int classes, int width, Generator generator)
    {
        (Channels, Size, Classes) = (channels, size, classes);
        var (from, to, side, kernel) = (channels, width, size, 5);
        do
        {
            convolutions.Add(Layer(generator, to, from, kernel, kernel));
            (from, to, side, kernel) = (to, 2 * width, (side + 1) / 2, 3);
        }
        while (side > LargestSide);

        var features = from * side * side;
        hidden = Layer(generator, 4 * width, features);
        head = Layer(generator, classes, 4 * width);
    }

    /// <summary>C.</summary>
    public int Channels { get; }

    /// <summary>H = W.</summary>
    public int Size { get; }

    /// <summary>Classes told apart.</summary>
    public int Classes { get; }

    internal Tensor[] Parameters => [.. convolutions.Append(hidden).Append(head).SelectMany(layer => new[] { layer.Weight, layer.Bias })];

    /// <summary>Trains a classifier. The result is a function of rows, options and numerics class.</summary>
    /// <param name="rows">Rows to learn from; those without a label are left out.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="options">Epochs, rates, seed.</param>
    /// <param name="progress">Told a line an epoch.</param>
    /// <param name="cancellation">Looked at before every step.</param>
    /// <exception cref="ArgumentException">No row has a label, or a label is out of range.</exception>
    public static SmallClassifier Train(
        EvaluationRows rows, int classes, SmallClassifierOptions? options = null, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new SmallClassifierOptions();
        var labelled = Enumerable.Range(0, rows.Count).Where(row => rows.Labels[row] >= 0).ToArray();
        if (labelled.Length == 0 || rows.Labels.Max() >= classes)
        {
            throw new ArgumentException(
                $"A classifier of {classes} classes learns from rows labelled 0..{classes - 1}: {labelled.Length} of {rows.Count} rows have a label, the highest is {rows.Labels.DefaultIfEmpty(-1).Max()}.",
                nameof(rows));
        }

        TorchNative.EnsureLoaded();
        using var generator = new Generator((ulong)options.Seed, CPU);
        var classifier = new SmallClassifier(rows.Channels, rows.Size, classes, options.Width, generator);
        try
        {
            using var training = new ClassifierTraining(classifier, rows, labelled, options);
            training.Run(progress, cancellation);
            return classifier;
        }
        catch
        {
            classifier.Dispose();
            throw;
        }
    }

    /// <summary>Logits [N, classes] of images [N, C, H, W] float32 in [-1, 1].</summary>
    /// <exception cref="ArgumentException">The images have another shape.</exception>
    public Tensor Logits(Tensor images)
    {
        if (images.dim() != 4 || images.size(1) != Channels || images.size(2) != Size || images.size(3) != Size)
        {
            throw new ArgumentException($"Images are [{string.Join(", ", images.shape)}]; the classifier was trained on [N, {Channels}, {Size}, {Size}].", nameof(images));
        }

        using var scope = NewDisposeScope();
        var x = images;
        foreach (var (weight, bias) in convolutions)
        {
            var reach = weight.size(2) / 2;
            x = F.relu(F.conv2d(x, weight, bias, strides: [2, 2], padding: [reach, reach]));
        }

        x = F.relu(F.linear(x.flatten(1), hidden.Weight, hidden.Bias));
        return F.linear(x, head.Weight, head.Bias).MoveToOuterDisposeScope();
    }

    /// <summary>The likeliest class of each of the images [N, C, H, W] float32 in [-1, 1].</summary>
    public long[] Predict(Tensor images)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return Logits(images).argmax(1).data<long>().ToArray();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in Parameters)
        {
            parameter.Dispose();
        }
    }

    // He et al., 2015: N(0, 2 / fan-in) keeps the variance through ReLUs.
    private static (Tensor Weight, Tensor Bias) Layer(Generator generator, params long[] shape)
    {
        using var scope = NewDisposeScope();
        var fanIn = shape.Skip(1).Aggregate(1L, (product, length) => product * length);
        using Scalar deviation = Math.Sqrt(2.0 / fanIn);
        var weight = randn(shape, generator: generator).mul_(deviation).requires_grad_().DetachFromDisposeScope();
        var bias = zeros(shape[0]).requires_grad_().DetachFromDisposeScope();
        return (weight, bias);
    }
}
