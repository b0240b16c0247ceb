using System.Globalization;

namespace Ddm.Runs;

/// <summary>
/// The name of every blob, in one place. Ids come from <see cref="RunName"/> or from hashes of our own, never straight from a request.
/// </summary>
public static class BlobNames
{
    /// <summary>Prefix of every data set.</summary>
    public const string Datasets = "datasets/";

    /// <summary>Prefix of every run.</summary>
    public const string Runs = "runs/";

    /// <summary>Prefix of every published model.</summary>
    public const string Models = "models/";

    /// <summary>Prefix of the published weights.</summary>
    public const string PublishedWeights = "weights/";

    /// <summary>Prefix of what workers say of themselves.</summary>
    public const string Workers = "workers/";

    /// <summary>Prefix of the jobs of the inference gateway.</summary>
    public const string ImageJobs = "images/jobs/";

    /// <summary>Prefix of the markers of jobs that are not at their end, in the order of their submission.</summary>
    public const string ImageQueue = "images/queue/";

    /// <summary>Prefix of the pictures that links lead to.</summary>
    public const string ImageFiles = "images/files/";

    /// <summary>Prefix of what is known of idempotency keys.</summary>
    public const string ImageKeys = "images/keys/";

    /// <summary>The secret that sessions of pages are signed with.</summary>
    public const string SessionSecret = "pages/session-secret.json";

    /// <summary>The secret that links are signed with.</summary>
    public const string ImageSecret = "images/link-secret.json";

    /// <summary>A job: moved by compare-and-swap alone.</summary>
    public static string ImageJob(string id) => $"{ImageJobs}{id}.json";

    /// <summary>The marker of a job that is not at its end.</summary>
    public static string ImageQueued(string id) => $"{ImageQueue}{id}.json";

    /// <summary>A picture that a link leads to.</summary>
    public static string ImageFile(string id, string file) => $"{ImageFiles}{id}/{file}";

    /// <summary>Which job an idempotency key made; the first writer wins.</summary>
    public static string ImageKey(string sha256) => $"{ImageKeys}{sha256}.json";

    /// <summary>What a worker says of itself; its age says whether the worker lives.</summary>
    public static string Worker(string name) => $"{Workers}{name}.json";

    /// <summary>Who of the workers came last: where it changes there is a record that nobody has listed yet.</summary>
    public const string NewestWorker = "newest-worker.txt";

    /// <summary>A data set's manifest: its barrier.</summary>
    public static string DatasetManifest(string dataset) => $"{Datasets}{dataset}/manifest.json";

    /// <summary>A data set's images that could not be used and why, a JSON object a line; absent where all are good.</summary>
    public static string Quarantine(string dataset) => $"{Datasets}{dataset}/quarantine.jsonl";

    /// <summary>Prefix of a data set's shards and their sidecars.</summary>
    public static string DatasetShards(string dataset) => $"{Datasets}{dataset}/shards/";

    /// <summary>A data set's shard, a tar.</summary>
    public static string DatasetShard(string dataset, int shard) => $"{DatasetShards(dataset)}{Number(shard)}.tar";

    /// <summary>What is known of a data set's shard: rows, hash, quarantine. Written after the tar, so that it says the shard is done.</summary>
    public static string DatasetShardInfo(string dataset, int shard) => $"{DatasetShards(dataset)}{Number(shard)}.json";

    /// <summary>Prefix of everything a run owns.</summary>
    public static string Run(string run) => $"{Runs}{run}/";

    /// <summary>The run's decisions, a <see cref="RunDocument"/>.</summary>
    public static string RunDocument(string run) => $"{Run(run)}run.json";

    /// <summary>Which control plane looks at the run.</summary>
    public static string Reconciler(string run) => $"{Run(run)}reconciler.json";

    /// <summary>Prefix of the run's events.</summary>
    public static string Events(string run) => $"{Run(run)}events/";

    /// <summary>Prefix of the run's features.</summary>
    public static string AllFeatures(string run) => $"{Run(run)}features/";

    /// <summary>The fitted encoder: the barrier of <see cref="RunStage.FitFeatures"/>.</summary>
    public static string Encoder(string run) => $"{AllFeatures(run)}encoder.safetensors";

    /// <summary>Features of one shard.</summary>
    public static string Features(string run, int shard) => $"{AllFeatures(run)}{Number(shard)}.safetensors";

    /// <summary>Prefix of the run's latents.</summary>
    public static string AllLatents(string run) => $"{Run(run)}latents/";

    /// <summary>The autoencoder, with the scale of its latents.</summary>
    public static string Autoencoder(string run) => $"{AllLatents(run)}vae.safetensors";

    /// <summary>Moments of one shard's latents.</summary>
    public static string Latents(string run, int shard) => $"{AllLatents(run)}{Number(shard)}.safetensors";

    /// <summary>Prefix of the run's captions as networks take them.</summary>
    public static string AllText(string run) => $"{Run(run)}text/";

    /// <summary>The encoder of captions.</summary>
    public static string TextEncoder(string run) => $"{AllText(run)}encoder.safetensors";

    /// <summary>Captions of one shard.</summary>
    public static string Text(string run, int shard) => $"{AllText(run)}{Number(shard)}.safetensors";

    /// <summary>Prefix of what the run's experts start from.</summary>
    public static string Init(string run) => $"{Run(run)}init/";

    /// <summary>The tensors of the seed checkpoint that experts take.</summary>
    public static string InitWeights(string run) => $"{Init(run)}weights.safetensors";

    /// <summary>What they are and their hash, written after them.</summary>
    public static string InitManifest(string run) => $"{Init(run)}manifest.json";

    /// <summary>Prefix of the run's partition.</summary>
    public static string Partition(string run) => $"{Run(run)}partition/";

    /// <summary>Centroids and the map from fine to coarse.</summary>
    public static string PartitionCentroids(string run) => $"{Partition(run)}centroids.safetensors";

    /// <summary>The partition's manifest: the barrier of <see cref="RunStage.FitPartition"/>.</summary>
    public static string PartitionManifest(string run) => $"{Partition(run)}manifest.json";

    /// <summary>Prefix of the run's assignments.</summary>
    public static string Assignments(string run) => $"{Run(run)}assignments/";

    /// <summary>Cluster of each row of one shard.</summary>
    public static string Assignment(string run, int shard) => $"{Assignments(run)}{Number(shard)}.safetensors";

    /// <summary>Prefix of the run's clusters.</summary>
    public static string Clusters(string run) => $"{Run(run)}clusters/";

    /// <summary>Prefix of one cluster.</summary>
    public static string Cluster(string run, int cluster) => Invariant($"{Clusters(run)}{cluster}/");

    /// <summary>A cluster's manifest. When all K exist, <see cref="RunStage.FreezeClusters"/> is over.</summary>
    public static string ClusterManifest(string run, int cluster) => $"{Cluster(run, cluster)}manifest.json";

    /// <summary>A cluster's training shard.</summary>
    public static string ClusterShard(string run, int cluster, int shard) => $"{Cluster(run, cluster)}{Number(shard)}.safetensors";

    /// <summary>A cluster's held-out shard.</summary>
    public static string ClusterHeldOutShard(string run, int cluster, int shard) => $"{Cluster(run, cluster)}held-out/{Number(shard)}.safetensors";

    /// <summary>Rows of one data set shard on their way to their clusters: gone once the clusters are frozen.</summary>
    public static string ClusterScratch(string run, int shard) => $"{Clusters(run)}scratch/{Number(shard)}.bin";

    /// <summary>A picture of some of a cluster's images.</summary>
    public static string ClusterContactSheet(string run, int cluster) => $"{Cluster(run, cluster)}contact-sheet.png";

    /// <summary>Prefix of a role.</summary>
    public static string Role(string run, Role role) => $"{Run(run)}{role.Path}/";

    /// <summary>A role's head: moved by compare-and-swap alone.</summary>
    public static string Head(string run, Role role) => $"{Role(run, role)}head.json";

    /// <summary>A role's owner record.</summary>
    public static string Owner(string run, Role role) => $"{Role(run, role)}owner.json";

    /// <summary>Why a role gave up; absent while it has not.</summary>
    public static string RoleFailure(string run, Role role) => $"{Role(run, role)}failure.json";

    /// <summary>Prefix of a role's checkpoints.</summary>
    public static string Checkpoints(string run, Role role) => $"{Role(run, role)}checkpoints/";

    /// <summary>Prefix of one checkpoint.</summary>
    public static string Checkpoint(string run, Role role, long step, long epoch) => Invariant($"{Checkpoints(run, role)}{step:D10}-{epoch}/");

    /// <summary>Prefix of what the evaluation wrote.</summary>
    public static string Evaluation(string run) => $"{Run(run)}evaluation/";

    /// <summary>The evaluation's figures: the barrier of <see cref="RunStage.Evaluate"/>, written after the report.</summary>
    public static string EvaluationManifest(string run) => $"{Evaluation(run)}manifest.json";

    /// <summary>Pictures drawn with fixed seeds by the model's default strategy.</summary>
    public static string SampleGrid(string run) => $"{Evaluation(run)}samples.png";

    /// <summary>Prefix of the pictures that were drawn on the way, with the same seeds each time.</summary>
    public static string Grids(string run) => $"{Run(run)}grids/";

    /// <summary>The pictures of a part of the way.</summary>
    /// <param name="run">The run.</param>
    /// <param name="percent">How far the run's roles had come together.</param>
    public static string Grid(string run, int percent) => Invariant($"{Grids(run)}{percent:D3}.png");

    /// <summary>The report for people.</summary>
    public static string Report(string run) => $"{Evaluation(run)}report.html";

    /// <summary>A published model's manifest.</summary>
    public static string ModelManifest(string model, string version) => $"{Models}{model}/{version}/manifest.json";

    /// <summary>Which version of a model is current: moved by compare-and-swap.</summary>
    public static string ModelCurrent(string model) => $"{Models}{model}/current.json";

    /// <summary>Published weights, by content.</summary>
    public static string Weights(string sha256) => $"{PublishedWeights}{sha256}.safetensors";

    private static string Number(int shard) => shard.ToString("D5", CultureInfo.InvariantCulture);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
