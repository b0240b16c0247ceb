using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Evaluation;

/// <summary>Measures whether pictures show the class they were asked for, in the eyes of a classifier.</summary>
public static class ClassAgreement
{
    private const int BatchRows = 256;

    /// <summary>Judges drawn pictures.</summary>
    /// <param name="classifier">Trained on real rows.</param>
    /// <param name="images">[N, C, H, W] in [-1, 1]; judged as the 8-bit pictures that a reader would see.</param>
    /// <param name="asked">The class of each picture.</param>
    /// <param name="calibration">The classifier on held-out real rows, shown beside.</param>
    /// <exception cref="ArgumentException">The lengths differ or a class is out of range.</exception>
    public static ClassAgreementResult Measure(SmallClassifier classifier, Tensor images, IReadOnlyList<long> asked, ClassAgreementResult? calibration = null)
    {
        if (images.size(0) != asked.Count)
        {
            throw new ArgumentException($"{images.size(0)} images for {asked.Count} classes.", nameof(asked));
        }

        var found = new long[asked.Count];
        for (var first = 0; first < found.Length; first += BatchRows)
        {
            var count = Math.Min(BatchRows, found.Length - first);
            using var batch = images.narrow(0, first, count);
            using var quantized = EightBit.Quantize(batch);
            classifier.Predict(quantized).CopyTo(found, first);
        }

        return Tally(classifier.Classes, asked, found, calibration);
    }

    /// <summary>Judges real rows by their labels: the calibration.</summary>
    public static ClassAgreementResult Measure(SmallClassifier classifier, EvaluationRows rows)
    {
        var found = new long[rows.Count];
        for (var first = 0; first < found.Length; first += BatchRows)
        {
            using var batch = rows.Images(first, Math.Min(BatchRows, found.Length - first));
            classifier.Predict(batch).CopyTo(found, first);
        }

        return Tally(classifier.Classes, rows.Labels, found, calibration: null);
    }

    internal static ClassAgreementResult Tally(int classes, IReadOnlyList<long> asked, IReadOnlyList<long> found, ClassAgreementResult? calibration)
    {
        var confusion = Enumerable.Range(0, classes).Select(_ => new long[classes]).ToArray();
        for (var i = 0; i < asked.Count; i++)
        {
            if (asked[i] < 0 || asked[i] >= classes)
            {
                throw new ArgumentException($"Picture {i} was asked for class {asked[i]}; the classifier knows 0..{classes - 1}.", nameof(asked));
            }

            confusion[asked[i]][found[i]]++;
        }

        var perClass = confusion.Select((row, c) => row.Sum() == 0 ? double.NaN : row[c] / (double)row.Sum()).ToArray();
        var overall = confusion.Select((row, c) => row[c]).Sum() / (double)asked.Count;
        return new ClassAgreementResult(asked.Count, overall, perClass, confusion, calibration);
    }
}
