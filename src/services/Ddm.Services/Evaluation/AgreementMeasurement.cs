using Ddm.Data;
using Ddm.Diffusion;
using Ddm.Evaluation;
using Ddm.Runs;
using Ddm.Storage;
using TorchSharp;

namespace Ddm.Services;

/// <summary>Draws pictures of every class in turn and lets a classifier judge them that was trained on the run's own training rows.</summary>
public sealed class AgreementMeasurement(IBlobStore blobs, DeviceThread device)
{
    private const int MostRows = 100_000;

    /// <summary>Measures a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">How to draw; its labels are set here.</param>
    /// <param name="cancellationToken">Stops the measurement.</param>
    /// <exception cref="UserErrorException">The model has no classes, or was imported.</exception>
    public async Task<ClassAgreementResult> MeasureAsync(LoadedModel model, SampleRequest request, CancellationToken cancellationToken)
    {
        if (model.Ensemble.NullLabel is not { } classes)
        {
            throw new UserErrorException($"model {model.Manifest.Name} is unconditional: no class can be asked for, so none can agree.");
        }

        if (model.Manifest.ClusterRows.Count == 0)
        {
            throw new UserErrorException($"model {model.Manifest.Name} was imported: there are no training rows here that a classifier could learn its classes from.");
        }

        var all = Enumerable.Range(0, model.Manifest.Experts.Count).ToArray();
        var name = model.Manifest.Name;
        var training = await ReadAsync(heldOut: false);
        var heldOut = await ReadAsync(heldOut: true);
        return await device.RunAsync(() =>
        {
            using var scope = torch.NewDisposeScope();
            if (model.Codec is { } codec)
            {
                (training, heldOut) = (training.Decoded(codec.Decode), heldOut.Decoded(codec.Decode)); // what the autoencoder keeps of them is the best that can be drawn
            }

            using var classifier = SmallClassifier.Train(training, (int)classes, new SmallClassifierOptions(), null, cancellationToken);
            var calibration = ClassAgreement.Measure(classifier, heldOut);
            var labels = Enumerable.Range(0, request.Seeds.Count).Select(i => i % classes).ToArray();
            using var drawn = model.Sampler().Sample(request with { Labels = labels }, null, cancellationToken);
            return ClassAgreement.Measure(classifier, drawn.Images, labels, calibration);
        });

        async Task<EvaluationRows> ReadAsync(bool heldOut)
            => await EvaluationRows.LoadAsync(await ClusterDataset.OpenAsync(blobs, name, all, heldOut, cancellationToken), MostRows, cancellationToken);
    }
}
