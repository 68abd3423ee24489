"""What a network in training reaches on dev, before it is calibrated."""

import keras
import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from textsiam.inference.architecture import Architecture
from textsiam.siamese.calibration import calibrated_log_loss
from textsiam.siamese.epochs import CRITERION, Figures
from textsiam.siamese.losses import contrastive_loss
from textsiam.training.batches import PairBatches


def measure_dev(network: keras.Model, dev: PairBatches, architecture: Architecture) -> Figures:
    """Measure the network on dev.

    Args:
        network: its output (n, 1) is a probability, or, for the contrastive loss, a distance.
        dev: the pairs, in a fixed order.
        architecture: tells the loss.

    Returns:
        "val_loss", for probabilities "val_accuracy" (at 0.5) and "val_auc", and the criterion: the log loss after
        Platt's calibration, which is what remains of the loss once the model is calibrated.
    """
    outputs = network.predict(dev, verbose=0)[:, 0].astype(np.float64)
    labels = np.concatenate([dev[index][1][:, 0] for index in range(len(dev))])
    if not np.isfinite(outputs).all():
        return {"val_loss": np.nan}
    if architecture.loss == "contrastive":
        costs = keras.ops.convert_to_numpy(contrastive_loss(labels, outputs.astype(np.float32), architecture.margin))
        return {"val_loss": float(np.mean(costs)), CRITERION: calibrated_log_loss(-outputs, labels)}
    likely = outputs.clip(1e-7, 1 - 1e-7)
    return {
        "val_loss": float(log_loss(labels, likely)),
        "val_accuracy": float(np.mean((outputs > 0.5) == (labels == 1))),
        "val_auc": float(roc_auc_score(labels, outputs)),
        CRITERION: calibrated_log_loss(np.log(likely / (1 - likely)), labels),
    }
